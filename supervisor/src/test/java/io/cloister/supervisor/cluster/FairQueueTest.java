// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.cluster;

import static org.assertj.core.api.Assertions.assertThat;

import io.cloister.supervisor.cluster.FairQueue.Load;
import io.cloister.supervisor.cluster.FairQueue.Needs;
import io.cloister.supervisor.cluster.FairQueue.Place;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.Test;

class FairQueueTest {
    private static final Needs ONE = new Needs(1, Set.of());

    private final FairQueue<String> queue = new FairQueue<>();
    private final Map<String, Place<String>> places = new HashMap<>();

    private static Capabilities worker(int slots, String... tags) {
        return new Capabilities("here", slots, 1, 0, "x86_64", "v1", Set.of(tags), "1");
    }

    private void add(String run, String tenant, int priority, Needs needs) {
        Place<String> place = queue.place(run, tenant, priority, needs);
        places.put(run, place);
        queue.add(place);
    }

    private Optional<String> next(Capabilities worker) {
        return queue.next(worker, run -> true).map(Place::run);
    }

    /** Those that begin one after the other as long as none ends. */
    private List<String> beginAll(Capabilities worker) {
        List<String> order = new ArrayList<>();
        for (Optional<String> next = next(worker); next.isPresent(); next = next(worker)) {
            Place<String> place = places.get(next.get());
            queue.remove(place);
            queue.began(place);
            order.add(next.get());
        }
        return order;
    }

    @Test
    void shouldTakeTurnsBetweenTenants() {
        for (int i = 0; i < 3; i++) {
            add("a" + i, "a", 0, ONE);
        }
        add("b0", "b", 0, ONE);
        add("c0", "c", 0, ONE);

        assertThat(beginAll(worker(1))).containsExactly("a0", "b0", "c0", "a1", "a2");
    }

    @Test
    void shouldPreferTheTenantThatUsesTheFewestContainers() {
        add("big", "a", 0, new Needs(3, Set.of()));
        add("a1", "a", 0, ONE);
        for (int i = 0; i < 4; i++) {
            add("b" + i, "b", 0, ONE);
        }

        assertThat(beginAll(worker(4))).containsExactly("big", "b0", "b1", "b2", "a1", "b3");
    }

    @Test
    void shouldServeATenantsRunsByPriorityThenByAge() {
        add("first", "a", 0, ONE);
        add("second", "a", 0, ONE);
        add("urgent", "a", 5, ONE);
        add("late", "a", -1, ONE);

        assertThat(beginAll(worker(1))).containsExactly("urgent", "first", "second", "late");
    }

    @Test
    void shouldGiveARunThatComesBackItsOldPlace() {
        add("first", "a", 0, ONE);
        add("second", "a", 0, ONE);
        Place<String> first = places.get("first");
        queue.remove(first);
        queue.began(first);
        queue.ended(first);
        queue.add(first);

        assertThat(next(worker(1))).contains("first");
    }

    @Test
    void shouldGiveAWorkerOnlyWhatItCanDo() {
        add("tagged", "a", 0, new Needs(1, Set.of("java")));
        add("group", "b", 0, new Needs(2, Set.of()));
        add("plain", "c", 0, ONE);

        assertThat(next(worker(1))).contains("plain");
        assertThat(next(worker(2))).contains("group");
        assertThat(next(worker(1, "java", "cpp"))).contains("tagged");
        assertThat(queue.next(worker(1), run -> !run.equals("plain"))).isEmpty();
    }

    @Test
    void shouldForgetTenantsWithoutRuns() {
        add("a0", "a", 0, ONE);
        add("b0", "b", 0, ONE);
        assertThat(queue.loads())
                .containsEntry("a", new Load(1, 0))
                .containsEntry("b", new Load(1, 0));

        assertThat(queue.remove(places.get("a0"))).isTrue();
        assertThat(queue.remove(places.get("a0"))).isFalse();
        beginAll(worker(1));
        assertThat(queue.loads()).containsOnly(Map.entry("b", new Load(0, 1)));
        queue.ended(places.get("b0"));
        assertThat(queue.loads()).isEmpty();
        assertThat(queue.size()).isZero();
    }
}
