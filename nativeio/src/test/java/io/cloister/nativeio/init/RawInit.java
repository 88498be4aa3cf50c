// SPDX-License-Identifier: Apache-2.0
package io.cloister.nativeio.init;

import com.sun.jna.Memory;
import com.sun.jna.ptr.IntByReference;
import io.cloister.nativeio.fd.Fd;
import io.cloister.nativeio.fd.PidFd;
import io.cloister.nativeio.fd.SystemCallException;
import io.cloister.nativeio.libc.Errno;
import io.cloister.nativeio.libc.LibC;
import io.cloister.nativeio.libc.Linux;
import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * init's binary with a bare socket: any bytes can be sent to it. It shares no code with {@link
 * InitChannel}; the process stays in this process's namespaces.
 */
final class RawInit implements AutoCloseable {
    private static final Duration DEADLINE = Duration.ofSeconds(30);

    private final Fd socket;
    private final int pid;
    private final PidFd pidfd;

    private RawInit(Fd socket, int pid) throws IOException {
        this.socket = socket;
        this.pid = pid;
        this.pidfd = PidFd.open(pid);
    }

    /** A reply's fields and what follows them. */
    record Reply(int serial, int kind, int fail, int errno, List<Long> results, String rest) {
        static Reply parse(byte[] bytes) {
            ByteBuffer b = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
            int serial = b.getInt();
            int kind = b.getShort();
            int count = b.getShort();
            int fail = b.getInt();
            int errno = b.getInt();
            List<Long> results = new ArrayList<>();
            for (int i = 0; i < count; i++) {
                results.add(b.getLong());
            }
            byte[] rest = new byte[b.remaining()];
            b.get(rest);
            String text = new String(rest, StandardCharsets.ISO_8859_1);
            return new Reply(serial, kind, fail, errno, results, text);
        }
    }

    /** Starts this machine's init; the directory gets a copy of the binary. */
    static RawInit start(Path directory) throws IOException {
        Path file = directory.resolve("init");
        if (!Files.exists(file)) {
            Files.write(file, Zygote.binary());
            Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rwxr-xr-x"));
        }
        return start(List.of(file.toString()));
    }

    /** Starts a command with the socket as descriptor 3. */
    static RawInit start(List<String> command) throws IOException {
        int[] ends = new int[2];
        int type = Linux.SOCK_SEQPACKET | Linux.SOCK_CLOEXEC;
        if (LibC.socketpair(Linux.AF_UNIX, type, 0, ends) == -1) {
            throw new SystemCallException("socketpair", "of a raw init", LibC.errno());
        }
        Fd ours = Fd.own(ends[0], "socket to a raw init");
        try (Fd theirs = Fd.own(ends[1], "socket of a raw init")) {
            IntByReference bytes = new IntByReference(1 << 19);
            for (Fd end : List.of(ours, theirs)) {
                LibC.setsockopt(
                        end.number(), Linux.SOL_SOCKET, Linux.SO_SNDBUF, bytes, Integer.BYTES);
            }
            // dup2 onto its own number would leave close-on-exec set
            int above = LibC.fcntl(theirs.number(), Linux.F_DUPFD_CLOEXEC, Linux.SOCK + 1L);
            try (Fd copy = Fd.own(above, "socket of a raw init")) {
                return new RawInit(ours, spawn(copy, command));
            }
        } catch (IOException | RuntimeException e) {
            ours.close();
            throw e;
        }
    }

    private static int spawn(Fd socket, List<String> command) throws IOException {
        try (Memory actions = new Memory(Linux.posix_spawn_file_actions_SIZE);
                Memory attributes = new Memory(Linux.posix_spawnattr_SIZE);
                Memory argv = LibC.stringArray(command.toArray(String[]::new));
                Memory envp = LibC.stringArray()) {
            LibC.posix_spawn_file_actions_init(actions);
            LibC.posix_spawnattr_init(attributes);
            try {
                LibC.posix_spawn_file_actions_addopen(actions, 0, "/dev/null", Linux.O_RDWR, 0);
                LibC.posix_spawn_file_actions_adddup2(actions, socket.number(), Linux.SOCK);
                LibC.posix_spawn_file_actions_addclosefrom_np(actions, Linux.SOCK + 1);
                IntByReference pid = new IntByReference();
                int error = LibC.posix_spawn(pid, command.get(0), actions, attributes, argv, envp);
                if (error != 0) {
                    throw new SystemCallException("posix_spawn", command.get(0), new Errno(error));
                }
                return pid.getValue();
            } finally {
                LibC.posix_spawn_file_actions_destroy(actions);
                LibC.posix_spawnattr_destroy(attributes);
            }
        }
    }

    void send(byte[] frame) throws IOException {
        if (LibC.write(socket.number(), frame, frame.length) != frame.length) {
            throw new SystemCallException("write", "socket of a raw init", LibC.errno());
        }
    }

    /** The next reply; an exception at its end of file or after the deadline. */
    Reply receive() throws IOException {
        ByteBuffer poll = ByteBuffer.allocate(Linux.pollfd_SIZE).order(ByteOrder.nativeOrder());
        poll.putInt(Linux.pollfd_fd, socket.number())
                .putShort(Linux.pollfd_events, (short) Linux.POLLIN);
        if (LibC.poll(poll.array(), 1, (int) DEADLINE.toMillis()) != 1) {
            throw new IOException("no reply within " + DEADLINE);
        }
        byte[] buffer = new byte[1 << 19];
        long n = LibC.read(socket.number(), buffer, buffer.length);
        if (n <= 0) {
            throw new EOFException("the raw init has ended");
        }
        return Reply.parse(Arrays.copyOf(buffer, (int) n));
    }

    Reply exchange(byte[] frame) throws IOException {
        send(frame);
        return receive();
    }

    int pid() {
        return pid;
    }

    PidFd pidfd() {
        return pidfd;
    }

    /** Closes the socket and says what became of the process: its wait status. */
    int end() throws IOException {
        socket.close();
        if (!pidfd.awaitExit(DEADLINE)) {
            throw new IOException("init did not end with its socket");
        }
        IntByReference status = new IntByReference();
        LibC.waitpid(pid, status, 0);
        pidfd.close();
        return status.getValue();
    }

    @Override
    public void close() throws IOException {
        socket.close();
        if (pidfd.fd().isOpen()) {
            pidfd.signal(Linux.SIGKILL);
            end();
        }
    }
}
