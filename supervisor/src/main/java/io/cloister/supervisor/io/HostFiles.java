// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.io;

import io.cloister.nativeio.fd.Fd;
import io.cloister.nativeio.fd.MemFd;
import io.cloister.nativeio.fd.SystemCallException;
import io.cloister.nativeio.libc.Errno;
import io.cloister.nativeio.libc.LibC;
import io.cloister.nativeio.libc.Linux;
import io.cloister.protocol.check.Check;
import io.cloister.protocol.message.Failure;
import io.cloister.protocol.run.Stream;
import io.cloister.protocol.unit.ByteSize;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.List;

/**
 * Regular files of the worker's host, of the directories that its settings name. Links are
 * followed, but none leads out of the directory: openat2(2).
 *
 * <p>A program may open its input anew by /proc/self/fd, with the rights that it has to the file,
 * and change it if these allow that. So a file that programs could write to, by its mode or because
 * without root they have the worker's own uid, is copied, and at most {@link #MAX_COPY} of it. One
 * that is not copied is the host's own: its path can be seen in /proc/self/fd.
 */
public final class HostFiles {
    /** The longest file that is copied. */
    static final ByteSize MAX_COPY = Stream.MAX_COLLECTED;

    private static final int OTHERS_MAY_WRITE = 0002;
    private static final int READ_ONLY = 0444;

    private final List<String> directories;
    private final boolean ownIds;

    /**
     * Files of these directories and of those below them.
     *
     * @param directories absolute; none for no files at all
     */
    public HostFiles(List<String> directories) {
        this(directories, LibC.geteuid() == 0);
    }

    /**
     * As above.
     *
     * @param ownIds programs have other ids than the worker
     */
    HostFiles(List<String> directories, boolean ownIds) {
        directories.forEach(
                directory -> Check.absolutePath("directory of cloister.run.host-files", directory));
        this.directories = List.copyOf(directories);
        this.ownIds = ownIds;
    }

    /** Opens a file for reading; the caller owns it. */
    Fd open(String path) throws FileException, IOException {
        String directory =
                directories.stream()
                        .filter(each -> path.startsWith(each.equals("/") ? each : each + "/"))
                        .findFirst()
                        .orElseThrow(() -> notAllowed(path));
        String rest = path.substring(directory.equals("/") ? 1 : directory.length() + 1);
        Fd file;
        try (Fd start = Fd.open(directory, Linux.O_PATH | Linux.O_DIRECTORY, 0)) {
            int flags = Linux.O_RDONLY | Linux.O_NONBLOCK | Linux.O_NOCTTY;
            file = Fd.openBeneath(start, rest, flags);
        } catch (SystemCallException e) {
            throw notOpened(path, e);
        }
        try {
            return forProgram(path, file);
        } catch (FileException | IOException | RuntimeException e) {
            file.close();
            throw e;
        }
    }

    private Fd forProgram(String path, Fd file) throws FileException, IOException {
        int mode = file.mode();
        if ((mode & Linux.S_IFMT) != Linux.S_IFREG) {
            throw new FileException(
                    Failure.Kind.NOT_A_REGULAR_FILE,
                    path,
                    "only regular files of the host are read");
        }
        if (ownIds && (mode & OTHERS_MAY_WRITE) == 0) {
            return file;
        }
        try (Fd original = file;
                Fd copy = MemFd.sealable("input")) {
            long size = 0;
            ByteBuffer chunk = Chunk.own();
            while (original.readSome(chunk) > 0) {
                size += chunk.flip().remaining();
                if (size > MAX_COPY.bytes()) {
                    throw new FileException(
                            Failure.Kind.TOO_LARGE,
                            path,
                            ("programs could write to it, so it would have to be copied, and it is"
                                            + " longer than %s: run the worker as root, and take"
                                            + " the right to write from others")
                                    .formatted(MAX_COPY));
                }
                while (chunk.hasRemaining()) {
                    copy.writeSome(chunk);
                }
                chunk.clear();
            }
            copy.setPermissions(READ_ONLY);
            MemFd.seal(copy);
            return copy.reopenForReading();
        }
    }

    private static FileException notAllowed(String path) {
        return new FileException(
                Failure.Kind.INVALID_REQUEST,
                path,
                "no file of the host is read but below the directories of"
                        + " cloister.run.host-files: add one there, or send the bytes");
    }

    private static FileException notOpened(String path, SystemCallException e) {
        Errno errno = e.errno();
        boolean missing = errno.equals(Errno.ENOENT) || errno.equals(Errno.ENOTDIR);
        return new FileException(
                Failure.ofErrno(
                        missing ? Failure.Kind.NOT_FOUND : Failure.Kind.SYSCALL,
                        "open a file of the host",
                        path,
                        errno.number(),
                        errno.symbol(),
                        errno.equals(Errno.EXDEV)
                                ? "a link leads out of the directory that may be read"
                                : errno.toString()));
    }
}
