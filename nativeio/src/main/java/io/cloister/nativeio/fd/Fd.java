// SPDX-License-Identifier: Apache-2.0
package io.cloister.nativeio.fd;

import com.sun.jna.Memory;
import com.sun.jna.Native;
import com.sun.jna.Pointer;
import io.cloister.nativeio.libc.Errno;
import io.cloister.nativeio.libc.LibC;
import io.cloister.nativeio.libc.Linux;
import io.cloister.nativeio.libc.Sys;
import java.io.IOException;
import java.lang.ref.Cleaner;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * An owned file descriptor of this process. Closing is idempotent and closes the number once; using
 * a closed one throws. One that is dropped unclosed is closed when its object is collected, with a
 * warning in the log and a count in {@link #leaks()}, for such a loss is a bug of its owner.
 */
public final class Fd implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Fd.class);
    private static final Cleaner CLEANER = Cleaner.create();
    private static final AtomicLong LEAKS = new AtomicLong();
    private static final int CLOSED = -1;

    private final Owned owned;
    private final Cleaner.Cleanable cleanable;

    private Fd(int number, String what) {
        owned = new Owned(number, what);
        cleanable = CLEANER.register(this, owned);
    }

    /** The state that the cleaner can see after the object is gone. */
    private static final class Owned implements Runnable {
        private final AtomicInteger number;
        private final String what;

        Owned(int number, String what) {
            this.number = new AtomicInteger(number);
            this.what = what;
        }

        @Override
        public void run() {
            int left = number.getAndSet(CLOSED);
            if (left != CLOSED) {
                LEAKS.incrementAndGet();
                LOG.warn("descriptor {} ({}) was never closed by its owner", left, what);
                LibC.close(left);
            }
        }
    }

    /**
     * Takes ownership of an open descriptor.
     *
     * @param what a few words for messages, such as {@code "stdin of run 7"}
     */
    public static Fd own(int number, String what) {
        if (number < 0) {
            throw new IllegalArgumentException("not a descriptor: " + number + " (" + what + ")");
        }
        return new Fd(number, what);
    }

    /**
     * Opens a file, close-on-exec: open(2).
     *
     * @throws SystemCallException with the path and the errno
     */
    public static Fd open(String path, int flags, int mode) throws IOException {
        long fd = LibC.open(path, flags | Linux.O_CLOEXEC, mode);
        return own((int) SystemCallException.check(fd, "open", path), path);
    }

    /**
     * Opens a file below a directory, close-on-exec; no link leads out of it: openat2(2) with
     * RESOLVE_BENEATH and RESOLVE_NO_MAGICLINKS.
     *
     * @param path relative
     * @throws SystemCallException with the path and the errno, EXDEV for one that would lead out
     */
    public static Fd openBeneath(Fd directory, String path, int flags) throws IOException {
        try (Memory how = new Memory(Linux.open_how_SIZE);
                Memory name = new Memory(path.getBytes(StandardCharsets.UTF_8).length + 1L)) {
            how.clear();
            how.setLong(Linux.open_how_flags, Integer.toUnsignedLong(flags | Linux.O_CLOEXEC));
            how.setLong(
                    Linux.open_how_resolve, Linux.RESOLVE_BENEATH | Linux.RESOLVE_NO_MAGICLINKS);
            name.setString(0, path, "UTF-8");
            long fd =
                    LibC.syscall(
                            Sys.OPENAT2.number(),
                            directory.number(),
                            Pointer.nativeValue(name),
                            Pointer.nativeValue(how),
                            Linux.open_how_SIZE);
            return own((int) SystemCallException.check(fd, "open", path), path);
        }
    }

    /** How many descriptors this JVM has lost track of so far. */
    public static long leaks() {
        return LEAKS.get();
    }

    /**
     * The number, for a call that happens while the owner keeps this open.
     *
     * @throws IllegalStateException when closed
     */
    public int number() {
        int number = owned.number.get();
        if (number == CLOSED) {
            throw new IllegalStateException("descriptor is closed: " + owned.what);
        }
        return number;
    }

    public boolean isOpen() {
        return owned.number.get() != CLOSED;
    }

    /** What it is, for messages. */
    public String what() {
        return owned.what;
    }

    /** Another descriptor of the same open file description, owned by the caller. */
    public Fd duplicate() throws IOException {
        long copy = LibC.fcntl(number(), Linux.F_DUPFD_CLOEXEC, 0);
        return own((int) SystemCallException.check(copy, "fcntl F_DUPFD_CLOEXEC", what()), what());
    }

    /** Gives the number to an owner outside Java; this object is closed without closing it. */
    public int release() {
        int number = owned.number.getAndSet(CLOSED);
        if (number == CLOSED) {
            throw new IllegalStateException("descriptor is closed: " + owned.what);
        }
        cleanable.clean();
        return number;
    }

    /**
     * Reads from an offset until the buffer is full or the file ends: pread(2).
     *
     * @return the number of bytes read
     */
    public int readAt(long offset, byte[] into) throws IOException {
        int done = 0;
        while (done < into.length) {
            byte[] part = new byte[into.length - done];
            long n = LibC.pread(number(), part, part.length, offset + done);
            SystemCallException.check(n, "pread", what());
            if (n == 0) {
                break;
            }
            System.arraycopy(part, 0, into, done, (int) n);
            done += (int) n;
        }
        return done;
    }

    /**
     * The contents from the start, at most {@code limit} bytes of them, whatever the file offset
     * is.
     */
    public byte[] readUpTo(int limit) throws IOException {
        byte[] buffer = new byte[(int) Math.min(limit, size())];
        int n = readAt(0, buffer);
        return n == buffer.length ? buffer : java.util.Arrays.copyOf(buffer, n);
    }

    /**
     * Reads once into a direct buffer's remaining room: read(2), with the results of a channel.
     *
     * @return the number of bytes read, 0 when there is nothing now, -1 at the end
     */
    public int readSome(ByteBuffer into) throws IOException {
        Pointer at = Native.getDirectBufferPointer(into).share(into.position());
        while (true) {
            long n = LibC.read(number(), at, into.remaining());
            if (n > 0) {
                into.position(into.position() + (int) n);
                return (int) n;
            }
            if (n == 0) {
                return into.hasRemaining() ? -1 : 0;
            }
            Errno errno = LibC.errno();
            if (errno.equals(Errno.EAGAIN)) {
                return 0;
            }
            if (!errno.equals(Errno.EINTR)) {
                throw new SystemCallException("read", what(), errno);
            }
        }
    }

    /**
     * Writes once what remains in a direct buffer: write(2), with the results of a channel.
     *
     * @return the number of bytes written, 0 when none can be now
     */
    public int writeSome(ByteBuffer from) throws IOException {
        Pointer at = Native.getDirectBufferPointer(from).share(from.position());
        while (true) {
            long n = LibC.write(number(), at, from.remaining());
            if (n >= 0) {
                from.position(from.position() + (int) n);
                return (int) n;
            }
            Errno errno = LibC.errno();
            if (errno.equals(Errno.EAGAIN)) {
                return 0;
            }
            if (!errno.equals(Errno.EINTR)) {
                throw new SystemCallException("write", what(), errno);
            }
        }
    }

    /** How many bytes a pipe, socket or terminal holds for its reader: FIONREAD, ioctl(2). */
    public int readable() throws IOException {
        byte[] count = new byte[Integer.BYTES];
        SystemCallException.check(
                LibC.ioctl(number(), Linux.FIONREAD, count), "ioctl FIONREAD", what());
        return ByteBuffer.wrap(count).order(ByteOrder.nativeOrder()).getInt();
    }

    /** Whether a read would return something, or the end, rather than wait: poll(2). */
    public boolean isReadable() throws IOException {
        return isReady(Linux.POLLIN);
    }

    /** Whether a write would take something, or fail, rather than wait: poll(2). */
    public boolean isWritable() throws IOException {
        return isReady(Linux.POLLOUT);
    }

    private boolean isReady(int events) throws IOException {
        ByteBuffer poll = ByteBuffer.allocate(Linux.pollfd_SIZE).order(ByteOrder.nativeOrder());
        poll.putInt(Linux.pollfd_fd, number());
        poll.putShort(Linux.pollfd_events, (short) events);
        return SystemCallException.check(LibC.poll(poll.array(), 1, 0), "poll", what()) > 0;
    }

    /**
     * Lets no call wait any more, through whichever descriptor of the same open file description:
     * O_NONBLOCK, fcntl(2). For pipes and the like, whose other status flags are not set.
     */
    public void setNonBlocking() throws IOException {
        long result = LibC.fcntl(number(), Linux.F_SETFL, Linux.O_NONBLOCK);
        SystemCallException.check(result, "fcntl F_SETFL", what());
    }

    /** Changes the permission bits of the file: fchmod(2). */
    public void setPermissions(int mode) throws IOException {
        SystemCallException.check(LibC.fchmod(number(), mode), "fchmod", what());
    }

    /**
     * Moves up to {@code most} bytes from another descriptor's file, each at its own offset,
     * without their passing through this process: sendfile(2).
     *
     * @return how many; 0 at the end of the other file
     */
    public long transferFrom(Fd source, long most) throws IOException {
        long n = LibC.sendfile(number(), source.number(), null, most);
        return SystemCallException.check(n, "sendfile " + source.what() + " to", what());
    }

    /** The file's type and permission bits, st_mode of fstat(2). */
    public int mode() throws IOException {
        try (Memory status = status()) {
            return status.getInt(Linux.stat_st_mode);
        }
    }

    private Memory status() throws IOException {
        Memory status = new Memory(Linux.stat_SIZE);
        SystemCallException.check(LibC.fstat(number(), status), "fstat", what());
        return status;
    }

    /**
     * Opens the same file anew, for reading alone and with an offset of its own, whether it has a
     * name or not: /proc/self/fd, proc(5).
     */
    public Fd reopenForReading() throws IOException {
        String path = "/proc/self/fd/" + number();
        long fd = LibC.open(path, Linux.O_RDONLY | Linux.O_CLOEXEC, 0);
        return own((int) SystemCallException.check(fd, "open for reading", what()), what());
    }

    /** Writes all bytes at the file offset: write(2). */
    public void write(byte[] bytes) throws IOException {
        byte[] rest = bytes;
        while (rest.length > 0) {
            long n = LibC.write(number(), rest, rest.length);
            SystemCallException.check(n, "write", what());
            rest = java.util.Arrays.copyOfRange(rest, (int) n, rest.length);
        }
    }

    /** The size in bytes of a regular file, st_size of fstat(2). */
    public long size() throws IOException {
        try (Memory status = status()) {
            return status.getLong(Linux.stat_st_size);
        }
    }

    @Override
    public void close() {
        int number = owned.number.getAndSet(CLOSED);
        if (number != CLOSED) {
            LibC.close(number);
            cleanable.clean();
        }
    }

    @Override
    public String toString() {
        int number = owned.number.get();
        return (number == CLOSED ? "closed" : number) + " (" + owned.what + ")";
    }
}
