// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.handler;

import io.cloister.nativeio.libc.Errno;
import io.cloister.nativeio.libc.Linux;
import io.cloister.nativeio.libc.Sys;
import io.cloister.nativeio.program.Arg;
import io.cloister.nativeio.program.BadReplyException;
import io.cloister.nativeio.program.ProgramResult;
import io.cloister.nativeio.program.Step;
import io.cloister.nativeio.program.SyscallFailure;
import io.cloister.nativeio.program.SyscallProgram;
import io.cloister.protocol.container.ContainerConfig;
import io.cloister.protocol.container.MaskPath;
import io.cloister.protocol.container.Mount;
import io.cloister.protocol.message.Delete;
import io.cloister.protocol.message.DeleteReply;
import io.cloister.protocol.message.Deleted;
import io.cloister.protocol.message.Failure;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * Removes a file, a link or an empty directory; a tree is handed on to {@link TreeRemoval}. No link
 * is followed: the path's directory is found by {@link Lookup}, and unlinkat(2) removes a link
 * itself.
 */
public final class DeleteHandler {
    private DeleteHandler() {}

    /** Begins to delete. */
    public static Exchange<DeleteReply> start(Delete request, ContainerContext context) {
        ContainerPath path = new ContainerPath(request.path());
        Optional<String> needed = needed(path, context.config());
        if (needed.isPresent()) {
            return new Exchange.Done<>(
                    Failure.of(
                            Failure.Kind.INVALID_REQUEST,
                            path.text(),
                            "the container needs %s: delete only what lies inside it"
                                    .formatted(needed.get())));
        }
        return remove(path, request.recursive());
    }

    /** What the container is made of at a path or below it. */
    private static Optional<String> needed(ContainerPath path, ContainerConfig config) {
        String place = path.absolute(config.workDirectory());
        return Stream.concat(
                        Stream.of(config.workDirectory()),
                        Stream.concat(
                                config.mounts().stream().map(Mount::target),
                                config.maskPaths().stream().map(MaskPath::path)))
                .filter(own -> ContainerPath.holds(place, own))
                .findFirst();
    }

    private static Exchange<DeleteReply> remove(ContainerPath path, boolean recursive) {
        SyscallProgram.Builder b = SyscallProgram.named("delete");
        Step parent = new Lookup(b).parentOf("delete", path);
        Step file = unlink(b, path.text(), parent.result(), b.string(path.name()).address(), 0);
        Step directory =
                unlink(
                        b,
                        path.text(),
                        parent.result(),
                        b.string(path.name()).address(),
                        Linux.AT_REMOVEDIR);
        SyscallProgram program = b.build();
        return new Exchange.Run<>(
                program, result -> next(path, recursive, program, result, file, directory));
    }

    /** Appends an unlinkat(2) whose error is looked at afterwards. */
    static Step unlink(
            SyscallProgram.Builder b, String subject, Arg directory, Arg name, int flags) {
        return b.call("delete", subject, Sys.UNLINKAT, directory, name, Arg.of(flags)).continuing();
    }

    private static Exchange<DeleteReply> next(
            ContainerPath path,
            boolean recursive,
            SyscallProgram program,
            ProgramResult result,
            Step file,
            Step directory)
            throws BadReplyException {
        Optional<SyscallFailure> failure = result.failure(program);
        if (failure.isPresent()) {
            return new Exchange.Done<>(Lookup.failure(failure.get()));
        }
        failure = result.failureOf(file);
        if (failure.isPresent() && failure.get().errno().equals(Errno.EISDIR)) {
            failure = result.failureOf(directory);
        }
        if (failure.isEmpty()) {
            return new Exchange.Done<>(new Deleted());
        }
        if (!failure.get().errno().equals(Errno.ENOTEMPTY)) {
            return new Exchange.Done<>(Lookup.failure(failure.get()));
        }
        return recursive
                ? TreeRemoval.start(path)
                : new Exchange.Done<>(
                        Lookup.explained(
                                Failure.Kind.NOT_EMPTY,
                                failure.get(),
                                "ask for a recursive delete"));
    }
}
