// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.handler;

import io.cloister.nativeio.libc.Errno;
import io.cloister.nativeio.libc.Linux;
import io.cloister.nativeio.libc.Sys;
import io.cloister.nativeio.program.Arg;
import io.cloister.nativeio.program.Step;
import io.cloister.nativeio.program.Structs;
import io.cloister.nativeio.program.SyscallFailure;
import io.cloister.nativeio.program.SyscallProgram;
import io.cloister.protocol.message.Failure;

/**
 * Finds a program's files for it, with init's rights but not at the program's bidding: no symbolic
 * link is followed anywhere in a path, for a program may have left one in the middle of it ({@code
 * /w/out -> /proc/1}). See openat2(2).
 */
final class Lookup {
    /** Paths never leave the directory that they start at, nor go through links of any kind. */
    static final int RESOLVE =
            Linux.RESOLVE_BENEATH | Linux.RESOLVE_NO_SYMLINKS | Linux.RESOLVE_NO_MAGICLINKS;

    /** A directory as a place to begin from: it can be searched but not read. */
    static final int PLACE = Linux.O_PATH | Linux.O_DIRECTORY | Linux.O_NOFOLLOW | Linux.O_CLOEXEC;

    /** A directory to read. */
    static final int READ_DIRECTORY =
            Linux.O_RDONLY
                    | Linux.O_DIRECTORY
                    | Linux.O_NOFOLLOW
                    | Linux.O_NONBLOCK
                    | Linux.O_CLOEXEC;

    private final SyscallProgram.Builder b;
    private final Step root;

    /** Adds the step that absolute paths start from. */
    Lookup(SyscallProgram.Builder b) {
        this.b = b;
        this.root =
                b.call(
                        "open",
                        "/",
                        Sys.OPENAT,
                        Arg.AT_FDCWD,
                        b.string("/").address(),
                        Arg.of(PLACE));
    }

    /** The directory that a path starts at: the root, or the work directory. */
    Arg start(ContainerPath path) {
        return path.isAbsolute() ? root.result() : Arg.AT_FDCWD;
    }

    /** Opens a path. */
    Step open(String name, ContainerPath path, int flags, int mode) {
        return open(name, path.text(), start(path), path.relative(), flags, mode, RESOLVE);
    }

    /** Opens the directory that a path is in, as a place. */
    Step parentOf(String name, ContainerPath path) {
        String parent = path.parent().map(ContainerPath::relative).orElse(".");
        return open(name, path.text(), start(path), parent, PLACE, 0, RESOLVE);
    }

    /** Opens what has this path seen from a directory. */
    Step open(
            String name,
            String subject,
            Arg directory,
            String path,
            int flags,
            int mode,
            int resolve) {
        return open(name, subject, directory, b.string(path).address(), flags, mode, resolve);
    }

    /** Opens what has the path at this address seen from a directory. */
    Step open(
            String name,
            String subject,
            Arg directory,
            Arg path,
            int flags,
            int mode,
            int resolve) {
        return b.call(
                name,
                subject,
                Sys.OPENAT2,
                directory,
                path,
                Structs.openHow(b, Integer.toUnsignedLong(flags), mode, resolve).address(),
                Arg.of(Linux.open_how_SIZE));
    }

    /** Why a path was not found; what is no matter of finding is of the general kind. */
    static Failure failure(SyscallFailure failure) {
        Errno errno = failure.errno();
        if (errno.equals(Errno.ENOENT) || errno.equals(Errno.ENOTDIR)) {
            return Failures.of(Failure.Kind.NOT_FOUND, failure);
        }
        if (errno.equals(Errno.ELOOP)) {
            return explained(
                    Failure.Kind.NOT_A_REGULAR_FILE,
                    failure,
                    "there is a symbolic link in the path, and none is followed");
        }
        if (errno.equals(Errno.EBUSY)) {
            return explained(Failure.Kind.SYSCALL, failure, "it is a mount point or in use");
        }
        return Failures.of(failure);
    }

    /** A failure with more words than the errno has. */
    static Failure explained(Failure.Kind kind, SyscallFailure failure, String words) {
        return Failure.ofErrno(
                kind,
                failure.step(),
                failure.subject(),
                failure.errno().number(),
                failure.errno().symbol(),
                failure.message() + ": " + words);
    }
}
