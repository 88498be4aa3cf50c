// SPDX-License-Identifier: Apache-2.0
package io.cloister.nativeio.seccomp;

import io.cloister.nativeio.fd.Fd;
import io.cloister.nativeio.fd.SystemCallException;
import io.cloister.nativeio.libc.Architecture;
import io.cloister.nativeio.libc.Errno;
import io.cloister.nativeio.libc.LibC;
import io.cloister.nativeio.libc.Linux;
import io.cloister.nativeio.libc.SyscallTable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.time.Duration;

/**
 * The other end of a filter that was installed with a listener: tells which calls wait for its
 * owner (seccomp_unotify(2)). For one thread. Closing it makes all calls that wait, and those that
 * would, fail with ENOSYS.
 */
public final class SeccompListener implements AutoCloseable {

    /** The kernel writes its own size of the struct, which may come to exceed the headers'. */
    private static final int NOTIFICATION_ROOM = 512;

    private final Fd fd;

    /** What {@link #await} saw. */
    public sealed interface Event {}

    /**
     * A call waits and will not be executed.
     *
     * @param id by which to answer it
     * @param call its name; {@code x32:} and the name, or the architecture's entry and a number,
     *     for a foreign one
     */
    public record Called(long id, String call) implements Event {}

    /** Every process with the filter has ended. */
    public record Ended() implements Event {}

    /** The time is over. */
    public record Nothing() implements Event {}

    /** Takes over the descriptor. */
    public SeccompListener(Fd fd) {
        this.fd = fd;
    }

    /**
     * Waits for a call, or for the end of all that might make one.
     *
     * @throws IOException when the descriptor is no listener
     */
    public Event await(Duration limit) throws IOException {
        long deadline = System.nanoTime() + limit.toNanos();
        while (true) {
            long left = Math.max(0, deadline - System.nanoTime());
            int ready = poll((int) Math.min(Math.ceilDiv(left, 1_000_000L), Integer.MAX_VALUE));
            if ((ready & Linux.POLLIN) != 0) {
                byte[] bytes = new byte[NOTIFICATION_ROOM];
                if (ioctl(Linux.SECCOMP_IOCTL_NOTIF_RECV, bytes)) {
                    ByteBuffer notification = view(bytes);
                    return new Called(
                            notification.getLong(Linux.seccomp_notif_id),
                            name(
                                    notification.getInt(Linux.seccomp_notif_arch),
                                    notification.getInt(Linux.seccomp_notif_nr)));
                }
            } else if (ready != 0) {
                return new Ended();
            } else if (left == 0) {
                return new Nothing();
            }
        }
    }

    /** Has the call executed; of no effect when its caller has gone or was interrupted. */
    public void letPass(Called called) throws IOException {
        byte[] response = new byte[Linux.seccomp_notif_resp_SIZE];
        view(response)
                .putLong(Linux.seccomp_notif_resp_id, called.id())
                .putInt(Linux.seccomp_notif_resp_flags, Linux.SECCOMP_USER_NOTIF_FLAG_CONTINUE);
        ioctl(Linux.SECCOMP_IOCTL_NOTIF_SEND, response);
    }

    private int poll(int millis) throws IOException {
        byte[] poll = new byte[Linux.pollfd_SIZE];
        view(poll)
                .putInt(Linux.pollfd_fd, fd.number())
                .putShort(Linux.pollfd_events, (short) Linux.POLLIN);
        int n = LibC.poll(poll, 1, millis);
        if (n == -1 && !LibC.errno().equals(Errno.EINTR)) {
            throw new SystemCallException("poll", fd.what(), LibC.errno());
        }
        return n == 1 ? view(poll).getShort(Linux.pollfd_revents) : 0;
    }

    /** False when the call in question is no longer there: its thread was killed or interrupted. */
    private boolean ioctl(long request, byte[] argument) throws IOException {
        if (LibC.ioctl(fd.number(), request, argument) == 0) {
            return true;
        }
        Errno errno = LibC.errno();
        if (errno.equals(Errno.ENOENT)
                || errno.equals(Errno.EINTR)
                || errno.number() == Linux.ENOTCONN
                || errno.number() == Linux.EINPROGRESS) {
            return false;
        }
        throw new SystemCallException("ioctl", fd.what(), errno);
    }

    private static ByteBuffer view(byte[] struct) {
        return ByteBuffer.wrap(struct).order(ByteOrder.nativeOrder());
    }

    static String name(int architecture, int number) {
        Architecture own = Architecture.current();
        SyscallTable table = SyscallTable.of(own);
        if (architecture == SeccompCompiler.auditArchitecture(own)) {
            long x32 = Linux.constant("X32_SYSCALL_BIT");
            boolean foreign = x32 != 0 && number >= x32;
            String name =
                    table.name(foreign ? (int) (number - x32) : number)
                            .orElse(Integer.toUnsignedString(number));
            return foreign ? "x32:" + name : name;
        }
        String entry =
                architecture == Linux.AUDIT_ARCH_I386
                        ? "i386"
                        : architecture == Linux.AUDIT_ARCH_ARM
                                ? "arm"
                                : Integer.toHexString(architecture);
        return entry + ":" + Integer.toUnsignedString(number);
    }

    @Override
    public void close() {
        fd.close();
    }
}
