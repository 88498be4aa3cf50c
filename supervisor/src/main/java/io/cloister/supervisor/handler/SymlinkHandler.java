// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.handler;

import io.cloister.nativeio.libc.Sys;
import io.cloister.nativeio.program.ProgramResult;
import io.cloister.nativeio.program.Step;
import io.cloister.nativeio.program.SyscallFailure;
import io.cloister.nativeio.program.SyscallProgram;
import io.cloister.protocol.container.SymbolicLink;
import io.cloister.protocol.message.Failure;
import io.cloister.protocol.message.Linked;
import io.cloister.protocol.message.Symlink;
import io.cloister.protocol.message.SymlinkReply;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;

/** Makes symbolic links, with the directories above them, in rounds of what a message can hold. */
public final class SymlinkHandler {
    private static final int ROUND_LINKS = 256;

    /** What a link takes of a message beside its texts, at most. */
    private static final int LINK_BYTES = 512;

    private final Deque<Wanted> pending = new ArrayDeque<>();
    private final MissingDirectories directories;
    private final Map<String, Failure> errors = new LinkedHashMap<>();

    private record Wanted(ContainerPath path, String target) {}

    private record Tried(Wanted wanted, Step parent, Step link) {}

    private SymlinkHandler(Symlink request) {
        for (SymbolicLink link : request.links()) {
            pending.add(new Wanted(new ContainerPath(link.link()), link.target()));
        }
        directories =
                new MissingDirectories(
                        pending.stream()
                                .flatMap(wanted -> wanted.path().parent().stream())
                                .collect(Collectors.toCollection(LinkedHashSet::new)));
    }

    /** Begins to link. */
    public static Exchange<SymlinkReply> start(Symlink request) {
        return new SymlinkHandler(request).next();
    }

    private Exchange<SymlinkReply> next() {
        SyscallProgram.Builder b = SyscallProgram.named("symlink");
        Lookup lookup = new Lookup(b);
        List<Tried> round = new ArrayList<>();
        if (directories.addTo(b, lookup)) {
            while (!pending.isEmpty() && round.size() < ROUND_LINKS && fits(b, pending.element())) {
                round.add(link(b, lookup, pending.remove()));
            }
        }
        SyscallProgram program = b.build();
        return new Exchange.Run<>(
                program,
                result -> {
                    read(program, result, round);
                    return pending.isEmpty() ? new Exchange.Done<>(new Linked(errors)) : next();
                });
    }

    private static boolean fits(SyscallProgram.Builder b, Wanted wanted) {
        int characters = 2 * wanted.path().text().length() + wanted.target().length();
        return b.size() + 3 * characters + LINK_BYTES < SyscallProgram.MAX_BYTES;
    }

    private static Tried link(SyscallProgram.Builder b, Lookup lookup, Wanted wanted) {
        ContainerPath path = wanted.path();
        Step parent = lookup.parentOf("link", path).continuing();
        Step link =
                b.call(
                                "link",
                                path.text(),
                                Sys.SYMLINKAT,
                                b.string(wanted.target()).address(),
                                parent.result(),
                                b.string(path.name()).address())
                        .continuing();
        b.call("close", path.text(), Sys.CLOSE, parent.result()).continuing();
        return new Tried(wanted, parent, link);
    }

    private void read(SyscallProgram program, ProgramResult result, List<Tried> round) {
        Optional<SyscallFailure> ended = result.failure(program);
        if (ended.isPresent()) {
            Failure failure = Failures.of(ended.get());
            round.forEach(each -> errors.put(each.wanted().path().text(), failure));
            pending.forEach(each -> errors.put(each.path().text(), failure));
            pending.clear();
            return;
        }
        directories.read(result);
        for (Tried each : round) {
            Optional<SyscallFailure> failure =
                    result.failureOf(each.parent()).or(() -> result.failureOf(each.link()));
            failure.ifPresent(why ->
                    errors.put(
                            each.wanted().path().text(),
                            directories
                                    .above(each.wanted().path())
                                    .orElseGet(() -> Lookup.failure(why))));
        }
    }
}
