// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.service;

import io.cloister.protocol.check.Check;
import io.cloister.protocol.check.InvalidRequest;
import io.cloister.protocol.container.Credential;
import io.cloister.protocol.message.Execve;
import io.cloister.protocol.message.Open;
import io.cloister.protocol.message.Request;
import io.cloister.protocol.run.Limits;
import io.cloister.protocol.run.Resource;
import io.cloister.protocol.run.Rlimit;
import io.cloister.protocol.run.Rlimits;
import io.cloister.protocol.service.Frame;
import io.cloister.protocol.unit.ByteSize;
import java.time.Duration;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.function.LongFunction;

/**
 * What clients may ask of a profile's containers: a pure function of their requests. What a request
 * leaves open is limited as the profile says, and what goes beyond that is refused.
 *
 * @param ceilings no program gets more; where there is none the profile limits nothing. Whether a
 *     program may run with less enforced than that is said by {@link Limits#allowLess}
 * @param seccomp names of the seccomp profiles that may be used, with {@code :log} where that may
 *     be; of any version
 * @param credential of all programs
 */
public record Policy(Limits ceilings, Set<String> seccomp, Credential credential) {
    public Policy {
        seccomp = Set.copyOf(seccomp);
    }

    /**
     * The request as it is to be carried out.
     *
     * @throws InvalidRequest saying what the profile does not allow, and what it does
     */
    public Request admit(Request request) {
        return switch (request) {
            case Execve execve -> admit(execve);
            case Open open -> {
                Check.range(
                        "files to open in one call", open.files().size(), 1, Frame.MAX_DESCRIPTORS);
                yield open;
            }
            default -> request;
        };
    }

    private Execve admit(Execve execve) {
        if (!execve.credential().map(credential::equals).orElse(true)) {
            throw new InvalidRequest(
                    "programs of this profile run as user %d, group %d: leave the credential out"
                            .formatted(credential.uid(), credential.gid()));
        }
        String profile = execve.seccomp().profile();
        if (!seccomp.contains(withoutVersion(profile))) {
            throw new InvalidRequest(
                    "seccomp profile %s may not be used: choose one of %s"
                            .formatted(profile, seccomp.stream().sorted().toList()));
        }
        Limits limits = admit(execve.limits(), execve.rlimits());
        return limits.equals(execve.limits()) ? execve : execve.toBuilder().limits(limits).build();
    }

    /** {@code default/2:log} is {@code default:log}. */
    private static String withoutVersion(String profile) {
        int slash = profile.indexOf('/');
        if (slash < 0) {
            return profile;
        }
        int end = profile.indexOf(':', slash);
        return profile.substring(0, slash) + (end < 0 ? "" : profile.substring(end));
    }

    /**
     * @param rlimits of the request; what they allow is not raised by the ceilings either
     */
    private Limits admit(Limits asked, Rlimits rlimits) {
        Check.that(
                asked.cpuSet().isEmpty(),
                "which cores programs run on is the service's to say: leave the CPU set out");
        Limits.Builder limits = asked.toBuilder();
        limits.allowLess(asked.allowLess() && ceilings.allowLess());
        below("wall time", Optional.of(asked.wallTime()), Optional.of(ceilings.wallTime()))
                .ifPresent(limits::wallTime);
        below(
                        "CPU time",
                        asked.cpuTime(),
                        least(
                                ceilings.cpuTime(),
                                rlimits,
                                Resource.RLIMIT_CPU,
                                Duration::ofSeconds))
                .ifPresent(limits::cpuTime);
        below("memory", asked.memory(), ceilings.memory()).ifPresent(limits::memory);
        count("processes", asked.processes(), ceilings.processes()).ifPresent(limits::processes);
        below(
                        "file size",
                        asked.fileSize(),
                        least(ceilings.fileSize(), rlimits, Resource.RLIMIT_FSIZE))
                .ifPresent(limits::fileSize);
        below("stack", asked.stack(), least(ceilings.stack(), rlimits, Resource.RLIMIT_STACK))
                .ifPresent(limits::stack);
        Optional<Integer> files =
                least(
                        boxed(ceilings.openFiles()),
                        rlimits,
                        Resource.RLIMIT_NOFILE,
                        count -> (int) Math.min(Integer.MAX_VALUE, count));
        below("open files", boxed(asked.openFiles()), files).ifPresent(limits::openFiles);
        below(
                        "address space",
                        asked.addressSpace(),
                        least(ceilings.addressSpace(), rlimits, Resource.RLIMIT_AS))
                .ifPresent(limits::addressSpace);
        below(
                        "data segment",
                        asked.dataSegment(),
                        least(ceilings.dataSegment(), rlimits, Resource.RLIMIT_DATA))
                .ifPresent(limits::dataSegment);
        below("disk size", asked.diskSize(), ceilings.diskSize()).ifPresent(limits::diskSize);
        count("files on disk", asked.diskFiles(), ceilings.diskFiles())
                .ifPresent(limits::diskFiles);
        count("CPU rate", asked.cpuRate(), ceilings.cpuRate()).ifPresent(limits::cpuRate);
        return limits.build();
    }

    private static Optional<Integer> count(String what, OptionalInt asked, OptionalInt ceiling) {
        return below(what, boxed(asked), boxed(ceiling));
    }

    private static Optional<Integer> boxed(OptionalInt number) {
        return number.isPresent() ? Optional.of(number.getAsInt()) : Optional.empty();
    }

    /** What is asked for if it is not too much, or else the ceiling. */
    private static <T extends Comparable<T>> Optional<T> below(
            String what, Optional<T> asked, Optional<T> ceiling) {
        if (asked.isEmpty() || ceiling.isEmpty()) {
            return asked.or(() -> ceiling);
        }
        if (asked.get().compareTo(ceiling.get()) > 0) {
            throw new InvalidRequest(
                    "%s limit is %s, this profile allows at most %s: ask for less"
                            .formatted(what, asked.get(), ceiling.get()));
        }
        return asked;
    }

    private static Optional<ByteSize> least(
            Optional<ByteSize> ceiling, Rlimits rlimits, Resource resource) {
        return least(ceiling, rlimits, resource, ByteSize::ofBytes);
    }

    /** The ceiling, or what the request's own resource limit allows if that is less. */
    private static <T extends Comparable<T>> Optional<T> least(
            Optional<T> ceiling, Rlimits rlimits, Resource resource, LongFunction<T> unit) {
        Optional<T> own =
                rlimits.find(resource)
                        .filter(limit -> limit.soft() != Rlimit.INFINITY)
                        .map(limit -> unit.apply(limit.soft()));
        return ceiling.map(
                most -> own.isPresent() && own.get().compareTo(most) < 0 ? own.get() : most);
    }
}
