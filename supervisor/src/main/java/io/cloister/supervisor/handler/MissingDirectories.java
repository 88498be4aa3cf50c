// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.handler;

import io.cloister.nativeio.libc.Errno;
import io.cloister.nativeio.libc.Sys;
import io.cloister.nativeio.program.Arg;
import io.cloister.nativeio.program.ProgramResult;
import io.cloister.nativeio.program.Step;
import io.cloister.nativeio.program.SyscallFailure;
import io.cloister.nativeio.program.SyscallProgram;
import io.cloister.protocol.message.Failure;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * Makes directories that are missing on the way to files, one component after the other, each in
 * the descriptor of the one above it, so that no link is followed on the way. A path may have 2,048
 * components: they are spread over as many programs as it takes.
 */
final class MissingDirectories {
    /** The umask is 0. */
    private static final int MODE = 0755;

    private static final int SEGMENT = 64;

    /** Beyond these a program takes no other segment; one adds at most 200 steps and 32 KiB. */
    private static final int MAX_STEPS = 2400;

    private static final int MAX_SIZE = 96 * 1024;

    private final Deque<Segment> pending = new ArrayDeque<>();
    private final List<Tried> tried = new ArrayList<>();
    private final Map<ContainerPath, Failure> failures = new HashMap<>();

    /** Some components of one directory's path. */
    private record Segment(ContainerPath directory, int from, int to) {}

    /** One step of a segment. */
    private record Tried(ContainerPath directory, Step step, boolean makes) {}

    MissingDirectories(Set<ContainerPath> directories) {
        for (ContainerPath directory : directories) {
            int length = directory.components().size();
            for (int from = 0; from < length; from += SEGMENT) {
                pending.add(new Segment(directory, from, Math.min(from + SEGMENT, length)));
            }
        }
    }

    /** Adds as much as fits into a program; true when nothing is left to add. */
    boolean addTo(SyscallProgram.Builder b, Lookup lookup) {
        tried.clear();
        while (!pending.isEmpty() && b.steps() < MAX_STEPS && b.size() < MAX_SIZE) {
            add(b, lookup, pending.remove());
        }
        return pending.isEmpty();
    }

    private void add(SyscallProgram.Builder b, Lookup lookup, Segment segment) {
        ContainerPath directory = segment.directory();
        List<String> names = directory.components();
        String above =
                segment.from() == 0 ? "." : String.join("/", names.subList(0, segment.from()));
        Arg start = lookup.start(directory);
        Step at = open(lookup, directory, start, above);
        for (String name : names.subList(segment.from(), segment.to())) {
            Step made =
                    b.call(
                                    "make directory",
                                    directory.text(),
                                    Sys.MKDIRAT,
                                    at.result(),
                                    b.string(name).address(),
                                    Arg.of(MODE))
                            .continuing();
            tried.add(new Tried(directory, made, true));
            Step next = open(lookup, directory, at.result(), name);
            close(b, at);
            at = next;
        }
        close(b, at);
    }

    private Step open(Lookup lookup, ContainerPath directory, Arg from, String path) {
        Step step =
                lookup.open(
                                "make directory",
                                directory.text(),
                                from,
                                path,
                                Lookup.PLACE,
                                0,
                                Lookup.RESOLVE)
                        .continuing();
        tried.add(new Tried(directory, step, false));
        return step;
    }

    private static void close(SyscallProgram.Builder b, Step opened) {
        b.call("close", opened.subject(), Sys.CLOSE, opened.result()).continuing();
    }

    /** Takes note of what a program's result says of the steps last added. */
    void read(ProgramResult result) {
        for (Tried each : tried) {
            Optional<SyscallFailure> failure = result.failureOf(each.step());
            if (failure.isPresent() && !(each.makes() && exists(failure.get()))) {
                // those after it in the chain fail too, but say less
                failures.putIfAbsent(each.directory(), Lookup.failure(failure.get()));
            }
        }
    }

    private static boolean exists(SyscallFailure failure) {
        return failure.errno().equals(Errno.EEXIST);
    }

    /** Why the directory that a path is in could not be made. */
    Optional<Failure> above(ContainerPath path) {
        return path.parent().map(failures::get);
    }
}
