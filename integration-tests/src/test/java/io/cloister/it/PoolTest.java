// SPDX-License-Identifier: Apache-2.0
package io.cloister.it;

import static org.assertj.core.api.Assertions.assertThat;

import akka.actor.typed.ActorRef;
import akka.actor.typed.javadsl.Behaviors;
import io.cloister.protocol.container.Mount;
import io.cloister.protocol.message.Failure;
import io.cloister.supervisor.container.Container;
import io.cloister.supervisor.pool.ContainerSupervisor.AcquireReply;
import io.cloister.supervisor.pool.ContainerSupervisor.Lease;
import io.cloister.supervisor.pool.ContainerSupervisor.NotAcquired;
import io.cloister.supervisor.pool.ContainerSupervisor.PoolStatus;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletionStage;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The supervisor and its pool: who gets a container, and when. */
@Timeout(120)
class PoolTest {
    private static void assertUnavailable(AcquireReply reply) {
        assertThat(reply)
                .isInstanceOfSatisfying(
                        NotAcquired.class,
                        refused ->
                                assertThat(refused.failure().kind())
                                        .isEqualTo(Failure.Kind.UNAVAILABLE));
    }

    @Test
    void shouldHandAReleasedContainerOnCleanToWhoWaitsFirst() {
        try (Worker worker = Worker.start("cloister.containers { max = 1, warm = 1 }")) {
            Leased first = worker.acquire();
            first.shell("echo secret > /w/f");
            CompletionStage<AcquireReply> second = worker.acquireLater(Optional.empty());
            CompletionStage<AcquireReply> third = worker.acquireLater(Optional.empty());
            Waiting.until(() -> assertThat(worker.status().waiting()).isEqualTo(2));
            first.close();
            first.close(); // once more does no harm
            Leased then = worker.leased(Worker.await(second));
            assertThat(then.container()).isEqualTo(first.container());
            assertThat(then.shell("ls -A /w")).isEmpty();
            first.close(); // nor does an old lease end a new one
            assertThat(then.shell("echo mine")).isEqualTo("mine\n");
            assertThat(third.toCompletableFuture()).isNotDone();
            then.close();
            worker.leased(Worker.await(third)).close();
            worker.awaitCalm();
        }
    }

    @Test
    void shouldRefuseWhoWaitsTooLongOrBehindTooMany() {
        try (Worker worker =
                Worker.start(
                        "cloister.containers { max = 1, warm = 1, queue = 1, acquire-timeout ="
                                + " 1s }")) {
            try (Leased only = worker.acquire()) {
                CompletionStage<AcquireReply> waits = worker.acquireLater(Optional.empty());
                CompletionStage<AcquireReply> tooMany = worker.acquireLater(Optional.empty());
                assertUnavailable(Worker.await(tooMany));
                assertThat(waits.toCompletableFuture()).isNotDone();
                assertUnavailable(Worker.await(waits));
                assertUnavailable(worker.tryCreate(worker.standard()));
                only.run("/bin/true").assertExit(0);
            }
            worker.acquire().close();
        }
    }

    @Test
    void shouldEndTheContainersOfAnOwnerThatDies() {
        try (Worker worker = Worker.start()) {
            ActorRef<String> owner =
                    worker.kit().spawn(Behaviors.receiveMessage(any -> Behaviors.stopped()));
            Leased one = worker.leased(Worker.await(worker.acquireLater(Optional.of(owner))));
            Leased two = worker.leased(Worker.await(worker.acquireLater(Optional.of(owner))));
            Leased others = worker.acquire();
            owner.tell("stop");
            one.awaitEnd();
            two.awaitEnd();
            others.run("/bin/true").assertExit(0);
            others.close();
            worker.awaitCalm();
        }
    }

    @Test
    void shouldRetireAContainerAfterItsUses() {
        try (Worker worker =
                Worker.start("cloister.containers { max = 1, warm = 1, max-uses = 2 }")) {
            Set<ActorRef<Container.Command>> containers = new HashSet<>();
            for (int i = 0; i < 6; i++) {
                try (Leased leased = worker.acquire()) {
                    containers.add(leased.container());
                }
            }
            assertThat(containers).hasSize(3);
        }
    }

    @Test
    void shouldRetireAContainerAtItsAge() {
        try (Worker worker =
                Worker.start("cloister.containers { max = 2, warm = 0, max-age = 1ms }")) {
            ActorRef<Container.Command> first;
            try (Leased leased = worker.acquire()) {
                first = leased.container();
                leased.run("/bin/true").assertExit(0);
            }
            try (Leased leased = worker.acquire()) {
                assertThat(leased.container()).isNotEqualTo(first);
            }
        }
    }

    @Test
    void shouldDestroyACreatedContainerOnRelease() {
        try (Worker worker = Worker.start()) {
            Leased created = worker.create(worker.standard());
            int init = created.initPid();
            created.close();
            created.awaitEnd();
            assertThat(Processes.isAlive(init)).isFalse();
        }
    }

    @Test
    void shouldGiveWhoCreatesThePlaceOfWhatIsOnlyKeptReady() {
        try (Worker worker = Worker.start("cloister.containers { max = 1, warm = 1 }")) {
            for (int i = 0; i < 5; i++) {
                // at the start and after a release one is being made, or reset, for nobody yet
                worker.create(worker.standard()).close();
                worker.create(worker.standard()).close();
                worker.acquire().close();
            }
            worker.awaitCalm();
            worker.acquire().close();
        }
    }

    @Test
    void shouldDrainEverythingAndRefuseFromThenOn() {
        try (Worker worker = Worker.start("cloister.containers { max = 3, warm = 2 }")) {
            Leased leased = worker.acquire();
            int init = leased.initPid();
            worker.acquire();
            worker.acquire();
            CompletionStage<AcquireReply> waits = worker.acquireLater(Optional.empty());
            worker.drain();
            assertUnavailable(Worker.await(waits));
            assertThat(worker.status()).isEqualTo(new PoolStatus(0, 0, 0, 0, 0));
            assertThat(Processes.isAlive(init)).isFalse();
            assertUnavailable(Worker.await(worker.acquireLater(Optional.empty())));
            assertUnavailable(worker.tryCreate(worker.standard()));
            worker.drain();
        }
    }

    @Test
    void shouldNeverGiveTwoContainersTheSameIds() throws IOException {
        HostState before = HostState.now();
        try (Worker one = Worker.start();
                Worker two = Worker.start()) {
            Set<String> maps = new HashSet<>();
            for (int i = 0; i < 5; i++) {
                maps.add(uidMap(one.acquire()));
                maps.add(uidMap(two.acquire()));
            }
            assertThat(maps).hasSize(10);
            assertThat(maps).allSatisfy(map -> assertThat(map).matches("0 [0-9]+ 65536"));
        }
        before.assertUnchanged();
    }

    private static String uidMap(Leased container) throws IOException {
        Path map = Path.of("/proc/" + container.initPid() + "/uid_map");
        return Files.readString(map).trim().replaceAll(" +", " ");
    }

    @Test
    void shouldSayWhyThereIsNoContainerWhenNoneCanBeMade() {
        try (Worker worker =
                Worker.start(
                        "cloister.containers { max = 1, warm = 1, acquire-timeout = 1s, min-backoff"
                                + " = 10ms }",
                        standard ->
                                standard.toBuilder()
                                        .mount(Mount.Bind.readOnly("/no/such/thing"))
                                        .build())) {
            AcquireReply reply = Worker.await(worker.acquireLater(Optional.empty()));
            assertUnavailable(reply);
            assertThat(((NotAcquired) reply).failure().describe()).contains("/no/such/thing");
            assertThat(worker.tryCreate(worker.standard())).isNotInstanceOf(Lease.class);
        }
    }
}
