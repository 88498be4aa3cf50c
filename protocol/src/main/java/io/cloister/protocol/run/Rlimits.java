// SPDX-License-Identifier: Apache-2.0
package io.cloister.protocol.run;

import io.cloister.protocol.check.Check;
import io.cloister.protocol.check.InvalidRequest;
import io.cloister.protocol.unit.ByteSize;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * The resource limits of a program: at most one per resource, in the order of {@link Resource}. A
 * resource that is not named keeps the limit it has in the container.
 */
public record Rlimits(List<Rlimit> limits) {
    private static final Rlimits NONE = new Rlimits(List.of());

    public Rlimits {
        List<Rlimit> sorted =
                new ArrayList<>(Check.list("resource limits", limits, Resource.values().length));
        sorted.sort(Comparator.comparing(Rlimit::resource));
        for (int i = 1; i < sorted.size(); i++) {
            if (sorted.get(i).resource() == sorted.get(i - 1).resource()) {
                throw new InvalidRequest(
                        "%s is limited twice: keep one".formatted(sorted.get(i).resource()));
            }
        }
        limits = List.copyOf(sorted);
    }

    /** No limit at all, not even on core dumps. */
    public static Rlimits none() {
        return NONE;
    }

    /** What a builder starts with: no core dumps, nothing else limited. */
    public static Rlimits standard() {
        return builder().build();
    }

    /** A builder that starts with core dumps off. */
    public static Builder builder() {
        return new Builder().core(ByteSize.ZERO);
    }

    public Builder toBuilder() {
        Builder builder = new Builder();
        limits.forEach(builder::limit);
        return builder;
    }

    public Optional<Rlimit> find(Resource resource) {
        return limits.stream().filter(limit -> limit.resource() == resource).findFirst();
    }

    /** Limits with their units; a later call replaces an earlier one. Not thread-safe. */
    public static final class Builder {
        private final Map<Resource, Rlimit> limits = new EnumMap<>(Resource.class);

        private Builder() {}

        /**
         * CPU time of each process, RLIMIT_CPU: rounded up to whole seconds, since that is the
         * kernel's unit; SIGXCPU then, SIGKILL one second later.
         */
        public Builder cpuTime(Duration time) {
            Check.duration("CPU time limit", time, Duration.ofNanos(1), Duration.ofDays(365));
            long seconds = time.getSeconds() + (time.getNano() > 0 ? 1 : 0);
            return limit(new Rlimit(Resource.RLIMIT_CPU, seconds, seconds + 1));
        }

        /** Virtual memory of each process, RLIMIT_AS. Managed runtimes reserve much of it. */
        public Builder addressSpace(ByteSize size) {
            return limit(Resource.RLIMIT_AS, size);
        }

        /** Data segment, heap and private writable mappings of each process, RLIMIT_DATA. */
        public Builder data(ByteSize size) {
            return limit(Resource.RLIMIT_DATA, size);
        }

        /** Stack of the main thread, RLIMIT_STACK; a quarter of it bounds argv and environment. */
        public Builder stack(ByteSize size) {
            return limit(Resource.RLIMIT_STACK, size);
        }

        /** Length of any file the program writes, RLIMIT_FSIZE; SIGXFSZ beyond it. */
        public Builder fileSize(ByteSize size) {
            return limit(Resource.RLIMIT_FSIZE, size);
        }

        /** Core dump, RLIMIT_CORE; none by default. */
        public Builder core(ByteSize size) {
            return limit(Resource.RLIMIT_CORE, size);
        }

        /** One more than the highest descriptor number, RLIMIT_NOFILE. */
        public Builder openFiles(long count) {
            return limit(Rlimit.of(Resource.RLIMIT_NOFILE, count));
        }

        /** Processes and threads of the program's user, RLIMIT_NPROC. */
        public Builder processes(long count) {
            return limit(Rlimit.of(Resource.RLIMIT_NPROC, count));
        }

        /** Memory locked into RAM, RLIMIT_MEMLOCK. */
        public Builder lockedMemory(ByteSize size) {
            return limit(Resource.RLIMIT_MEMLOCK, size);
        }

        /** POSIX message queues of the program's user, RLIMIT_MSGQUEUE. */
        public Builder messageQueueBytes(ByteSize size) {
            return limit(Resource.RLIMIT_MSGQUEUE, size);
        }

        /** Signals queued for the program's user, RLIMIT_SIGPENDING. */
        public Builder pendingSignals(long count) {
            return limit(Rlimit.of(Resource.RLIMIT_SIGPENDING, count));
        }

        /** Any limit, in the kernel's unit. */
        public Builder limit(Rlimit limit) {
            limits.put(limit.resource(), limit);
            return this;
        }

        /** Leaves the resource as it is in the container. */
        public Builder without(Resource resource) {
            limits.remove(resource);
            return this;
        }

        public Rlimits build() {
            return new Rlimits(List.copyOf(limits.values()));
        }

        private Builder limit(Resource resource, ByteSize size) {
            return limit(Rlimit.of(resource, size.bytes()));
        }
    }
}
