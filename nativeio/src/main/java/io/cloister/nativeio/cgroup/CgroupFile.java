// SPDX-License-Identifier: Apache-2.0
package io.cloister.nativeio.cgroup;

import io.cloister.nativeio.fd.Fd;
import io.cloister.nativeio.fd.SystemCallException;
import io.cloister.nativeio.libc.Errno;
import io.cloister.nativeio.libc.LibC;
import io.cloister.nativeio.libc.Linux;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;

/** An open file of a control group: the kernel makes its text at each read from offset 0. */
final class CgroupFile implements AutoCloseable {
    /** More than any of the files that are read here has, cgroup.procs excepted. */
    private static final int SIZE = 1024;

    private static final ThreadLocal<byte[]> BUFFER = ThreadLocal.withInitial(() -> new byte[SIZE]);

    private final Fd fd;

    private CgroupFile(Fd fd) {
        this.fd = fd;
    }

    static CgroupFile open(Path directory, String name, int flags) throws IOException {
        return new CgroupFile(Fd.open(directory + "/" + name, flags, 0));
    }

    /** One that this kernel may not have. */
    static Optional<CgroupFile> openIfThere(Path directory, String name, int flags)
            throws IOException {
        return Files.exists(directory.resolve(name))
                ? Optional.of(open(directory, name, flags))
                : Optional.empty();
    }

    /** Writes a file that is not kept open. */
    static void write(Path directory, String name, String value) throws IOException {
        try (CgroupFile file = open(directory, name, Linux.O_WRONLY)) {
            file.write(value);
        }
    }

    /** Reads a file that is not kept open. */
    static String read(Path directory, String name) throws IOException {
        try (CgroupFile file = open(directory, name, Linux.O_RDONLY)) {
            return file.text();
        }
    }

    Fd fd() {
        return fd;
    }

    String text() throws IOException {
        byte[] buffer = BUFFER.get();
        long n = LibC.pread(fd.number(), buffer, buffer.length, 0);
        if (n == -1) {
            throw new SystemCallException("read", fd.what(), LibC.errno());
        }
        String text = new String(buffer, 0, (int) n, StandardCharsets.ISO_8859_1);
        return n < buffer.length ? text : text + rest(n);
    }

    private String rest(long offset) throws IOException {
        StringBuilder rest = new StringBuilder();
        byte[] part = new byte[1 << 16];
        long at = offset;
        while (true) {
            long n = LibC.pread(fd.number(), part, part.length, at);
            if (n == -1) {
                throw new SystemCallException("read", fd.what(), LibC.errno());
            }
            if (n == 0) {
                return rest.toString();
            }
            rest.append(new String(part, 0, (int) n, StandardCharsets.ISO_8859_1));
            at += n;
        }
    }

    long number() throws IOException {
        return StatText.number(text(), fd.what());
    }

    long value(String key) throws IOException {
        return StatText.value(text(), key, fd.what());
    }

    void write(String value) throws IOException {
        byte[] bytes = value.getBytes(StandardCharsets.US_ASCII);
        while (LibC.pwrite(fd.number(), bytes, bytes.length, 0) == -1) {
            Errno errno = LibC.errno();
            if (!errno.equals(Errno.EINTR)) {
                throw new SystemCallException("write '" + value + "' to", fd.what(), errno);
            }
        }
    }

    @Override
    public void close() {
        fd.close();
    }

    @Override
    public String toString() {
        return fd.toString();
    }
}
