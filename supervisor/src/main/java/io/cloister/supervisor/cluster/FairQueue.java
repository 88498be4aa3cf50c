// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.cluster;

import java.util.Comparator;
import java.util.HashMap;
import java.util.Iterator;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Predicate;

/**
 * Runs that wait for a worker. Whose turn it is: the tenant that uses the fewest containers, among
 * equals the one that was served longest ago; of its runs the one of the highest priority, among
 * equals the oldest. Not thread-safe.
 *
 * @param <R> what waits
 */
final class FairQueue<R> {
    /**
     * What a run needs; runs of equal needs fit the same workers.
     *
     * @param containers at once, on one worker
     */
    record Needs(int containers, Set<String> tags) {
        boolean met(Capabilities worker) {
            return containers <= worker.slots() && worker.tags().containsAll(tags);
        }
    }

    /** A place in the queue; a run that comes back takes its old one again. */
    static final class Place<R> {
        private static final Comparator<Place<?>> ORDER =
                Comparator.<Place<?>>comparingInt(place -> -place.priority)
                        .thenComparingLong(place -> place.number);

        private final R run;
        private final String tenant;
        private final int priority;
        private final Needs needs;
        private final long number;

        private Place(R run, String tenant, int priority, Needs needs, long number) {
            this.run = run;
            this.tenant = tenant;
            this.priority = priority;
            this.needs = needs;
            this.number = number;
        }

        R run() {
            return run;
        }

        /** Different for each place. */
        long number() {
            return number;
        }
    }

    /** How much of each tenant there is. */
    record Load(int waiting, int running) {}

    private static final class Tenant<R> {
        private static final Comparator<Tenant<?>> TURN =
                Comparator.<Tenant<?>>comparingInt(tenant -> tenant.used)
                        .thenComparingLong(tenant -> tenant.served);

        private final String name;
        private final Map<Needs, TreeSet<Place<R>>> waiting = new HashMap<>();
        private int waits;
        private int running;
        private int used;
        private long served;

        Tenant(String name, long served) {
            this.name = name;
            this.served = served;
        }
    }

    private final Map<String, Tenant<R>> tenants = new HashMap<>();

    /** Those with runs that wait; {@code served} is different for each, so none hides another. */
    private final TreeSet<Tenant<R>> turns = new TreeSet<>(Tenant.TURN);

    private long clock;
    private int size;

    /** How many wait. */
    int size() {
        return size;
    }

    /** A place at the end of its tenant's runs of this priority. */
    Place<R> place(R run, String tenant, int priority, Needs needs) {
        return new Place<>(run, tenant, priority, needs, clock++);
    }

    void add(Place<R> place) {
        Tenant<R> tenant = tenant(place.tenant);
        turns.remove(tenant);
        if (tenant.waiting
                .computeIfAbsent(place.needs, needs -> new TreeSet<>(Place.ORDER))
                .add(place)) {
            tenant.waits++;
            size++;
        }
        turns.add(tenant);
    }

    /** Takes it out of the queue; false when it was not there. */
    boolean remove(Place<R> place) {
        Tenant<R> tenant = tenants.get(place.tenant);
        TreeSet<Place<R>> alike = tenant == null ? null : tenant.waiting.get(place.needs);
        if (tenant == null || alike == null || !alike.remove(place)) {
            return false;
        }
        turns.remove(tenant);
        if (alike.isEmpty()) {
            tenant.waiting.remove(place.needs);
        }
        tenant.waits--;
        size--;
        settle(tenant);
        return true;
    }

    /**
     * Whose turn it is at a worker. It stays in the queue.
     *
     * @param may whether this run may go there, apart from its needs
     */
    Optional<Place<R>> next(Capabilities worker, Predicate<R> may) {
        for (Tenant<R> tenant : turns) {
            Optional<Place<R>> best =
                    tenant.waiting.entrySet().stream()
                            .filter(alike -> alike.getKey().met(worker))
                            .flatMap(alike -> first(alike.getValue(), may).stream())
                            .min(Place.ORDER);
            if (best.isPresent()) {
                return best;
            }
        }
        return Optional.empty();
    }

    private Optional<Place<R>> first(Set<Place<R>> alike, Predicate<R> may) {
        for (Iterator<Place<R>> all = alike.iterator(); all.hasNext(); ) {
            Place<R> place = all.next();
            if (may.test(place.run)) {
                return Optional.of(place);
            }
        }
        return Optional.empty();
    }

    /** A worker has it now, which counts against its tenant until {@link #ended}. */
    void began(Place<R> place) {
        Tenant<R> tenant = tenant(place.tenant);
        turns.remove(tenant);
        tenant.running++;
        tenant.used += place.needs.containers();
        tenant.served = clock++;
        settle(tenant);
    }

    void ended(Place<R> place) {
        Tenant<R> tenant = tenant(place.tenant);
        turns.remove(tenant);
        tenant.running--;
        tenant.used -= place.needs.containers();
        settle(tenant);
    }

    SortedMap<String, Load> loads() {
        SortedMap<String, Load> loads = new TreeMap<>();
        tenants.forEach((name, tenant) -> loads.put(name, new Load(tenant.waits, tenant.running)));
        return loads;
    }

    private Tenant<R> tenant(String name) {
        return tenants.computeIfAbsent(name, absent -> new Tenant<>(absent, clock++));
    }

    private void settle(Tenant<R> tenant) {
        if (tenant.waits > 0) {
            turns.add(tenant);
        } else if (tenant.running == 0) {
            tenants.remove(tenant.name);
        }
    }
}
