// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.run;

import io.cloister.nativeio.fd.Fd;
import io.cloister.nativeio.fd.MemFd;
import io.cloister.protocol.unit.ByteSize;
import java.io.IOException;

/**
 * A file in memory that a program writes its output to.
 *
 * <p>The kernel bounds it: give the program {@link #fileSize} as RLIMIT_FSIZE. That is one byte
 * above what is allowed, so that output of exactly the allowed length and output beyond it can be
 * told apart by the file alone, whatever the program does about SIGXFSZ. Read it after the run's
 * end: before, the program moves the file offset.
 */
public final class OutputFile implements AutoCloseable {
    private final Fd file;
    private final ByteSize allowed;

    private OutputFile(Fd file, ByteSize allowed) {
        this.file = file;
        this.allowed = allowed;
    }

    /**
     * An empty file.
     *
     * @param name for messages
     * @param allowed the most that the program may write
     */
    public static OutputFile create(String name, ByteSize allowed) throws IOException {
        return new OutputFile(MemFd.writable(name), allowed);
    }

    /** The RLIMIT_FSIZE that goes with an allowed length. */
    public static ByteSize fileSize(ByteSize allowed) {
        return ByteSize.ofBytes(allowed.bytes() + 1);
    }

    /** A descriptor for the program; the caller owns it. */
    public Fd forProgram() throws IOException {
        return file.duplicate();
    }

    /** Whether more was written than allowed. */
    public boolean isExceeded() throws IOException {
        return file.size() > allowed.bytes();
    }

    /** What was written, at most {@code most} bytes from the start. */
    public byte[] read(ByteSize most) throws IOException {
        long bytes = Math.min(most.bytes(), allowed.bytes());
        return file.readUpTo((int) Math.min(bytes, Integer.MAX_VALUE - 16));
    }

    @Override
    public void close() {
        file.close();
    }
}
