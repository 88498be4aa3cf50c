// SPDX-License-Identifier: Apache-2.0
package io.cloister.protocol.message;

import io.cloister.protocol.check.Check;
import io.cloister.protocol.check.InvalidRequest;
import io.cloister.protocol.container.Credential;
import io.cloister.protocol.run.Limits;
import io.cloister.protocol.run.Rlimits;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * Run a program and wait for its end. Answered by {@link ExecveReply} when nothing of the program
 * is left.
 *
 * @param arguments argv; at least one, the first being the program's name for itself
 * @param environment {@code NAME=value}; absent for the container's default
 * @param descriptors the numbers under which the program sees the descriptors that come beside the
 *     request: at most 248, each 0 to 1023, ascending. All others are closed
 * @param workDirectory absolute; absent for the container's
 * @param controllingTerminal one of {@code descriptors} that becomes the session's terminal
 * @param credential absent for the container's default
 * @param rlimits of the program itself, in the kernel's terms; those of {@code limits} come on top
 * @param limits of the program and all that it starts; without {@link Limits#output}, for an execve
 *     collects nothing
 * @param announceStart tell of pid and pidfd before the program's first instruction, and wait for
 *     the caller's consent
 */
public record Execve(
        Executable executable,
        List<String> arguments,
        Optional<List<String>> environment,
        List<Integer> descriptors,
        Optional<String> workDirectory,
        OptionalInt controllingTerminal,
        Rlimits rlimits,
        Limits limits,
        Seccomp seccomp,
        Optional<Credential> credential,
        boolean announceStart)
        implements Request {
    /**
     * Below SCM_MAX_FD (253), the most one message carries (unix(7)): the executable and what init
     * measures with go along.
     */
    public static final int MAX_DESCRIPTORS = 248;

    /** Highest number a descriptor can have in the program. */
    public static final int MAX_DESCRIPTOR_NUMBER = 1023;

    /** Most bytes of argv and environment together: strings, their NULs and 8 for each pointer. */
    public static final int MAX_STRING_BYTES = 128 * 1024;

    private static final int POINTER_BYTES = 8;

    public Execve {
        Objects.requireNonNull(executable, "executable");
        // Bounds the total below, whatever the strings are.
        int maxStrings = MAX_STRING_BYTES / (POINTER_BYTES + 1);
        arguments = Check.list("arguments", arguments, maxStrings);
        Check.that(
                !arguments.isEmpty(),
                "no arguments: give at least argv[0], the program's name for itself");
        environment =
                environment.map(entries -> Check.environment("environment", entries, maxStrings));
        long total =
                stringBytes("argument", arguments)
                        + stringBytes("environment entry", environment.orElse(List.of()));
        Check.that(
                total <= MAX_STRING_BYTES,
                () ->
                        "arguments and environment take %d bytes, at most %d are possible: use a file"
                                .formatted(total, MAX_STRING_BYTES));
        descriptors = checkDescriptors(descriptors);
        workDirectory.ifPresent(path -> Check.absolutePath("work directory", path));
        Check.that(
                controllingTerminal.isEmpty()
                        || descriptors.contains(controllingTerminal.getAsInt()),
                "the controlling terminal is none of the descriptors: name one of them");
        Objects.requireNonNull(rlimits, "rlimits");
        Objects.requireNonNull(seccomp, "seccomp");
        Objects.requireNonNull(credential, "credential");
        Objects.requireNonNull(limits, "limits");
        Check.that(
                limits.output().isEmpty(),
                "an execve collects no output: bound its streams, or its files by fileSize");
    }

    /**
     * A builder for a file in the container: standard resource limits, default seccomp profile, the
     * container's environment, directory and credential, no descriptors, 10 seconds of wall time.
     *
     * @param arguments argv, its first also naming the executable unless another is set
     */
    public static Builder of(String... arguments) {
        return of(Arrays.asList(arguments));
    }

    /** As {@link #of(String...)}. */
    public static Builder of(List<String> arguments) {
        return new Builder(arguments);
    }

    public Builder toBuilder() {
        Builder builder = new Builder(arguments);
        builder.executable = Optional.of(executable);
        builder.environment = environment;
        builder.descriptors.addAll(descriptors);
        builder.workDirectory = workDirectory;
        builder.controllingTerminal = controllingTerminal;
        builder.rlimits = rlimits;
        builder.seccomp = seccomp;
        builder.credential = credential;
        builder.limits = limits;
        builder.announceStart = announceStart;
        return builder;
    }

    private static long stringBytes(String what, List<String> strings) {
        long total = 0;
        for (String string : strings) {
            total += Check.utf8Length(what, string) + 1 + POINTER_BYTES;
        }
        return total;
    }

    private static List<Integer> checkDescriptors(List<Integer> numbers) {
        List<Integer> sorted = new ArrayList<>(Check.list("descriptors", numbers, MAX_DESCRIPTORS));
        sorted.sort(null);
        int previous = -1;
        for (int number : sorted) {
            Check.range("descriptor number", number, 0, MAX_DESCRIPTOR_NUMBER);
            if (number == previous) {
                throw new InvalidRequest(
                        "descriptor number %d is given twice: keep one".formatted(number));
            }
            previous = number;
        }
        return List.copyOf(sorted);
    }

    /** Puts a request together; everything is checked by {@link #build}. Not thread-safe. */
    public static final class Builder {
        private final List<String> arguments;
        private Optional<Executable> executable = Optional.empty();
        private Optional<List<String>> environment = Optional.empty();
        private final List<Integer> descriptors = new ArrayList<>();
        private Optional<String> workDirectory = Optional.empty();
        private OptionalInt controllingTerminal = OptionalInt.empty();
        private Rlimits rlimits = Rlimits.standard();
        private Seccomp seccomp = Seccomp.DEFAULT;
        private Optional<Credential> credential = Optional.empty();
        private Limits limits = Limits.standard();
        private boolean announceStart;

        private Builder(List<String> arguments) {
            this.arguments = arguments;
        }

        /** A file in the container that differs from argv[0]. */
        public Builder executable(String name) {
            executable = Optional.of(new Executable.OfPath(name));
            return this;
        }

        /** The executable comes as a descriptor beside the request. */
        public Builder executableByDescriptor() {
            executable = Optional.of(new Executable.OfDescriptor());
            return this;
        }

        public Builder environment(List<String> entries) {
            environment = Optional.of(entries);
            return this;
        }

        /** Adds numbers to those there are. */
        public Builder descriptors(int... numbers) {
            Arrays.stream(numbers).forEach(descriptors::add);
            return this;
        }

        /** Adds numbers to those there are. */
        public Builder descriptors(Collection<Integer> numbers) {
            descriptors.addAll(numbers);
            return this;
        }

        public Builder workDirectory(String path) {
            workDirectory = Optional.of(path);
            return this;
        }

        /** The descriptor with this number becomes the terminal of the program's session. */
        public Builder controllingTerminal(int descriptor) {
            controllingTerminal = OptionalInt.of(descriptor);
            return this;
        }

        public Builder rlimits(Rlimits limits) {
            rlimits = limits;
            return this;
        }

        public Builder seccomp(Seccomp profile) {
            seccomp = profile;
            return this;
        }

        public Builder credential(Credential programCredential) {
            credential = Optional.of(programCredential);
            return this;
        }

        public Builder limits(Limits all) {
            limits = all;
            return this;
        }

        /** Changes one of the limits. */
        public Builder wallTime(Duration limit) {
            limits = limits.toBuilder().wallTime(limit).build();
            return this;
        }

        public Builder announceStart(boolean announce) {
            announceStart = announce;
            return this;
        }

        /**
         * Checks everything.
         *
         * @throws io.cloister.protocol.check.InvalidRequest saying what does not fit
         */
        public Execve build() {
            Check.that(
                    executable.isPresent() || !arguments.isEmpty(),
                    "no arguments: give at least argv[0], the program's name for itself");
            return new Execve(
                    executable.orElseGet(() -> new Executable.OfPath(arguments.getFirst())),
                    arguments,
                    environment,
                    descriptors,
                    workDirectory,
                    controllingTerminal,
                    rlimits,
                    limits,
                    seccomp,
                    credential,
                    announceStart);
        }
    }
}
