// SPDX-License-Identifier: Apache-2.0
package io.cloister.protocol.run;

import io.cloister.protocol.check.Check;
import io.cloister.protocol.message.Execve;
import io.cloister.protocol.message.Seccomp;
import io.cloister.protocol.unit.ByteSize;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.TreeMap;

/**
 * One program of a run: what to execute in a clean container, with which files, streams and limits.
 *
 * @param arguments argv; the first also names the executable, looked for in the environment's PATH
 *     when it has no slash
 * @param environment {@code NAME=value}; absent for the container's default
 * @param workDirectory absolute; absent for the container's
 * @param streams by descriptor number, 0 to 1023; 0, 1 and 2 are {@code /dev/null} where nothing is
 *     said of them
 * @param terminal takes the place of streams 0, 1 and 2
 * @param controllingTerminal a given stream that becomes the terminal of the program's session
 * @param copyIn in this order, before the start
 * @param copyOut after the end, whatever the status
 */
public record Program(
        List<String> arguments,
        Optional<List<String>> environment,
        Optional<String> workDirectory,
        Map<Integer, Stream> streams,
        Optional<Terminal> terminal,
        OptionalInt controllingTerminal,
        List<CopyIn> copyIn,
        List<CopyOut> copyOut,
        Limits limits,
        Seccomp seccomp) {
    public static final int MAX_FILES = 1024;
    private static final int STANDARD_STREAMS = 3;

    public Program {
        // What init will be told: its bounds are those of a program.
        Execve.Builder execve = Execve.of(arguments);
        environment.ifPresent(execve::environment);
        Execve checked = execve.build();
        arguments = checked.arguments();
        environment = checked.environment();
        workDirectory.ifPresent(path -> Check.absolutePath("work directory", path));
        streams = Check.map("streams", streams, Execve.MAX_DESCRIPTORS);
        for (int number : streams.keySet()) {
            Check.range("descriptor number", number, 0, Execve.MAX_DESCRIPTOR_NUMBER);
            Check.that(
                    terminal.isEmpty() || number >= STANDARD_STREAMS,
                    () ->
                            "a program has a terminal and stream %d: leave one out"
                                    .formatted(number));
        }
        if (controllingTerminal.isPresent()) {
            Check.that(
                    streams.get(controllingTerminal.getAsInt()) instanceof Stream.Given,
                    "the controlling terminal is no given stream: name one");
        }
        copyIn = Check.list("files to copy in", copyIn, MAX_FILES);
        copyOut = Check.list("files to copy out", copyOut, MAX_FILES);
        Set<String> names = new HashSet<>();
        for (CopyOut file : copyOut) {
            Check.that(
                    names.add(file.path()),
                    () ->
                            "%s is to be copied out twice: keep one"
                                    .formatted(Check.quoted(file.path())));
        }
        Objects.requireNonNull(limits, "limits");
        Objects.requireNonNull(seccomp, "seccomp");
    }

    /**
     * A builder: standard limits, the default seccomp profile, the container's environment and work
     * directory, no files, all streams on {@code /dev/null}.
     */
    public static Builder of(String... arguments) {
        return of(Arrays.asList(arguments));
    }

    /** As {@link #of(String...)}. */
    public static Builder of(List<String> arguments) {
        return new Builder(arguments);
    }

    /** Puts a program together; everything is checked by {@link #build}. Not thread-safe. */
    public static final class Builder {
        private final List<String> arguments;
        private Optional<List<String>> environment = Optional.empty();
        private Optional<String> workDirectory = Optional.empty();
        private final Map<Integer, Stream> streams = new TreeMap<>();
        private Optional<Terminal> terminal = Optional.empty();
        private OptionalInt controllingTerminal = OptionalInt.empty();
        private final List<CopyIn> copyIn = new ArrayList<>();
        private final List<CopyOut> copyOut = new ArrayList<>();
        private Limits limits = Limits.standard();
        private Seccomp seccomp = Seccomp.DEFAULT;

        private Builder(List<String> arguments) {
            this.arguments = arguments;
        }

        public Builder environment(List<String> entries) {
            environment = Optional.of(entries);
            return this;
        }

        public Builder workDirectory(String path) {
            workDirectory = Optional.of(path);
            return this;
        }

        /** What a descriptor leads to; a later call for the same one replaces an earlier. */
        public Builder stream(int descriptor, Stream stream) {
            streams.put(descriptor, stream);
            return this;
        }

        public Builder stdin(String text) {
            return stream(0, Stream.input(text));
        }

        /** Collects standard output and standard error, each up to {@code max}. */
        public Builder collect(ByteSize max) {
            return stream(1, Stream.collect(max)).stream(2, Stream.collect(max));
        }

        public Builder terminal(Terminal wanted) {
            terminal = Optional.of(wanted);
            return this;
        }

        /** The given stream with this number becomes the terminal of the program's session. */
        public Builder controllingTerminal(int descriptor) {
            controllingTerminal = OptionalInt.of(descriptor);
            return this;
        }

        /** Adds to those there are. */
        public Builder copyIn(CopyIn file) {
            copyIn.add(file);
            return this;
        }

        /** Adds to those there are. */
        public Builder copyOut(CopyOut file) {
            copyOut.add(file);
            return this;
        }

        public Builder limits(Limits all) {
            limits = all;
            return this;
        }

        public Builder seccomp(Seccomp profile) {
            seccomp = profile;
            return this;
        }

        /**
         * Checks everything.
         *
         * @throws io.cloister.protocol.check.InvalidRequest saying what does not fit
         */
        public Program build() {
            return new Program(
                    arguments,
                    environment,
                    workDirectory,
                    streams,
                    terminal,
                    controllingTerminal,
                    copyIn,
                    copyOut,
                    limits,
                    seccomp);
        }
    }
}
