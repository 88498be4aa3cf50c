// SPDX-License-Identifier: Apache-2.0
package io.cloister.nativeio.fd;

import io.cloister.nativeio.libc.Errno;
import io.cloister.nativeio.libc.LibC;
import io.cloister.nativeio.libc.Linux;
import java.io.IOException;

/** Anonymous files in memory: memfd_create(2). */
public final class MemFd {
    private MemFd() {}

    /**
     * A file with these contents that nobody can change any more: sealed against writing, growing,
     * shrinking and further seals. Its offset is at the start.
     *
     * @param name shown in /proc, at most 249 bytes
     */
    public static Fd sealed(String name, byte[] contents) throws IOException {
        return sealed(name, contents, 0);
    }

    private static Fd sealed(String name, byte[] contents, int flags) throws IOException {
        Fd fd = create(name, flags | Linux.MFD_ALLOW_SEALING);
        try {
            fd.write(contents);
            LibC.lseek(fd.number(), 0, Linux.SEEK_SET);
            seal(fd);
            return fd;
        } catch (IOException | RuntimeException e) {
            fd.close();
            throw e;
        }
    }

    /** An empty file that can be written until it is sealed. */
    public static Fd sealable(String name) throws IOException {
        return create(name, Linux.MFD_ALLOW_SEALING);
    }

    /** Seals a {@link #sealable} file as it is, as {@link #sealed} does. */
    public static void seal(Fd fd) throws IOException {
        int seals =
                Linux.F_SEAL_SEAL | Linux.F_SEAL_SHRINK | Linux.F_SEAL_GROW | Linux.F_SEAL_WRITE;
        SystemCallException.check(
                LibC.fcntl(fd.number(), Linux.F_ADD_SEALS, seals), "fcntl F_ADD_SEALS", fd.what());
    }

    /**
     * Like {@link #sealed}, for a program to run, also where vm.memfd_noexec is set (Linux 6.3).
     */
    public static Fd executable(String name, byte[] contents) throws IOException {
        try {
            return sealed(name, contents, Linux.MFD_EXEC);
        } catch (SystemCallException e) {
            if (!e.errno().equals(Errno.EINVAL)) {
                throw e;
            }
            return sealed(name, contents, 0); // an older kernel: every memfd is executable
        }
    }

    /** An empty file that can be written, grown and shrunk. */
    public static Fd writable(String name) throws IOException {
        return create(name, 0);
    }

    private static Fd create(String name, int flags) throws IOException {
        int fd = LibC.memfd_create(name, flags | Linux.MFD_CLOEXEC);
        return Fd.own((int) SystemCallException.check(fd, "memfd_create", name), name);
    }
}
