// SPDX-License-Identifier: Apache-2.0
package io.cloister.nativeio.socket;

import com.sun.jna.Memory;
import com.sun.jna.ptr.IntByReference;
import io.cloister.nativeio.fd.Fd;
import io.cloister.nativeio.fd.SystemCallException;
import io.cloister.nativeio.libc.Errno;
import io.cloister.nativeio.libc.LibC;
import io.cloister.nativeio.libc.Linux;
import java.io.EOFException;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** A SEQPACKET Unix socket that clients connect to: unix(7), listen(2). For any thread. */
public final class PacketListener implements AutoCloseable {
    /** SD_LISTEN_FDS_START of sd_listen_fds(3). */
    private static final int FIRST_PASSED = 3;

    /** What accept(2) fails with when it is this process, or the machine, that lacks something. */
    private static final Set<Errno> SHORTAGES =
            Set.of(Errno.EMFILE, Errno.ENFILE, Errno.ENOBUFS, Errno.ENOMEM);

    private final Fd socket;
    private final @Nullable Place place;

    private PacketListener(Fd socket, @Nullable Place place) {
        this.socket = socket;
        this.place = place;
    }

    /** Where a socket that was made here is to be found, and the lock that says so. */
    private record Place(String path, FileIdentity socket, Fd lock) {}

    /** Which file a path leads to. */
    private record FileIdentity(long device, long inode, int type) {
        /** Nothing if there is no such file; does not follow a link at the end of the path. */
        static Optional<FileIdentity> of(String path) throws IOException {
            try (Fd file = Fd.open(path, Linux.O_PATH | Linux.O_NOFOLLOW, 0)) {
                return Optional.of(of(file));
            } catch (SystemCallException e) {
                if (e.errno().equals(Errno.ENOENT)) {
                    return Optional.empty();
                }
                throw e;
            }
        }

        static FileIdentity of(Fd file) throws IOException {
            try (Memory status = new Memory(Linux.stat_SIZE)) {
                int got = LibC.fstat(file.number(), status);
                SystemCallException.check(got, "fstat", file.what());
                return new FileIdentity(
                        status.getLong(Linux.stat_st_dev),
                        status.getLong(Linux.stat_st_ino),
                        status.getInt(Linux.stat_st_mode) & Linux.S_IFMT);
            }
        }

        boolean isSocket() {
            return type == Linux.S_IFSOCK;
        }
    }

    /**
     * Makes a socket and listens. A socket that nobody listens at any more is replaced; anything
     * else at the path stays, and is an error. While this is open it holds a lock on a file beside
     * the socket, {@code PATH.lock}, which stays.
     *
     * <p>Nobody can connect before owner and mode are as asked for, and at no time has the socket
     * permissions that {@code mode} lacks. The directory must be one in which nobody else may
     * write.
     *
     * @param mode permission bits; connecting needs that to write
     * @param uid the socket's owner, otherwise this process's user
     * @param gid the socket's group, otherwise this process's
     * @param backlog how many connections wait to be accepted; the kernel bounds it by
     *     net.core.somaxconn
     * @throws IOException that names the path and what to do
     */
    public static PacketListener open(
            Path path, int mode, OptionalInt uid, OptionalInt gid, int backlog) throws IOException {
        String name = path.toString();
        try (Memory address = UnixAddress.of(path)) {
            Fd lock = lock(name);
            try {
                Fd socket = newSocket(name, 0);
                try {
                    removeStale(name, address);
                    FileIdentity bound = bind(socket, address, mode, uid, gid);
                    Place place = new Place(name, bound, lock);
                    try {
                        socket.setNonBlocking();
                        int listens = LibC.listen(socket.number(), backlog);
                        SystemCallException.check(listens, "listen", name);
                        return new PacketListener(socket, place);
                    } catch (IOException | RuntimeException e) {
                        remove(place);
                        throw e;
                    }
                } catch (IOException | RuntimeException e) {
                    socket.close();
                    throw e;
                }
            } catch (IOException | RuntimeException e) {
                lock.close();
                throw e;
            }
        }
    }

    private static Fd newSocket(String path, int flags) throws IOException {
        int type = Linux.SOCK_SEQPACKET | Linux.SOCK_CLOEXEC | flags;
        int number = LibC.socket(Linux.AF_UNIX, type, 0);
        SystemCallException.check(number, "socket", path);
        return Fd.own(number, "socket " + path);
    }

    private static Fd lock(String path) throws IOException {
        int flags = Linux.O_RDWR | Linux.O_CREAT | Linux.O_NOFOLLOW | Linux.O_NONBLOCK;
        Fd lock = Fd.open(path + ".lock", flags, 0600);
        if (LibC.flock(lock.number(), Linux.LOCK_EX | Linux.LOCK_NB) == -1) {
            Errno errno = LibC.errno();
            lock.close();
            if (errno.equals(Errno.EAGAIN)) {
                throw taken(path);
            }
            throw new SystemCallException("flock", path + ".lock", errno);
        }
        return lock;
    }

    private static IOException taken(String path) {
        return new IOException(
                "somebody listens at %s already: stop that service, or choose another path"
                        .formatted(path));
    }

    private static void removeStale(String path, Memory address) throws IOException {
        Optional<FileIdentity> there = FileIdentity.of(path);
        if (there.isEmpty()) {
            return;
        }
        if (!there.get().isSocket()) {
            throw new IOException(
                    "%s is there and is no socket: remove it, or choose another path"
                            .formatted(path));
        }
        try (Fd client = newSocket(path, Linux.SOCK_NONBLOCK)) {
            int connected = LibC.connect(client.number(), address, Linux.sockaddr_un_SIZE);
            Errno errno = connected == -1 ? LibC.errno() : Errno.NONE;
            if (errno.equals(Errno.ENOENT)) {
                return;
            }
            if (Set.of(Errno.NONE, Errno.EAGAIN, Errno.EPROTOTYPE).contains(errno)) {
                throw taken(path); // connected, could be, or by a socket of another type
            }
            if (!errno.equals(Errno.ECONNREFUSED)) {
                throw new SystemCallException("connect", path, errno);
            }
        }
        SystemCallException.check(LibC.unlink(path), "unlink stale", path);
    }

    /** Gives a socket a name, with these permissions; it does not listen yet. */
    private static FileIdentity bind(
            Fd socket, Memory address, int mode, OptionalInt uid, OptionalInt gid)
            throws IOException {
        String path = address.getString(Linux.sockaddr_un_sun_path, "UTF-8");
        socket.setPermissions(mode & 0600); // which bind(2) gives to the file, less the umask
        int bound = LibC.bind(socket.number(), address, Linux.sockaddr_un_SIZE);
        SystemCallException.check(bound, "bind", path);
        try (Fd file = Fd.open(path, Linux.O_PATH | Linux.O_NOFOLLOW, 0)) {
            FileIdentity identity = FileIdentity.of(file);
            if (!identity.isSocket()) {
                throw new IOException(path + " was replaced while it was made");
            }
            int owned =
                    LibC.fchownat(
                            file.number(), "", uid.orElse(-1), gid.orElse(-1), Linux.AT_EMPTY_PATH);
            if (owned != -1) {
                owned = LibC.chmod("/proc/self/fd/" + file.number(), mode);
            }
            if (owned == -1) {
                Errno errno = LibC.errno();
                remove(path, identity);
                throw new SystemCallException("set owner, group or mode of", path, errno);
            }
            return identity;
        }
    }

    /**
     * Takes over a socket that listens, of this process by inheritance. Its path is its maker's to
     * remove.
     *
     * @param number the descriptor's, which nobody else in this process owns
     * @throws IOException when it is not a SEQPACKET Unix socket that listens; it stays open then
     */
    public static PacketListener adopt(int number) throws IOException {
        String what = "descriptor " + number;
        int flags = LibC.fcntl(number, Linux.F_GETFD, 0);
        SystemCallException.check(flags, "inherit", what);
        if (option(number, Linux.SO_DOMAIN, what) != Linux.AF_UNIX
                || option(number, Linux.SO_TYPE, what) != Linux.SOCK_SEQPACKET
                || option(number, Linux.SO_ACCEPTCONN, what) == 0) {
            throw new IOException(
                    what
                            + " is not a Unix socket of packets that listens: have"
                            + " ListenSequentialPacket= in the socket unit");
        }
        int set = LibC.fcntl(number, Linux.F_SETFD, flags | Linux.FD_CLOEXEC);
        SystemCallException.check(set, "fcntl F_SETFD", what);
        IntByReference off = new IntByReference(0);
        // what comes beside packets is descriptors, and nothing else
        for (int name : new int[] {Linux.SO_PASSCRED, Linux.SO_PASSSEC, Linux.SO_PASSPIDFD}) {
            LibC.setsockopt(number, Linux.SOL_SOCKET, name, off, Integer.BYTES);
        }
        Fd socket = Fd.own(number, "inherited socket");
        try {
            socket.setNonBlocking();
            return new PacketListener(socket, null);
        } catch (IOException | RuntimeException e) {
            socket.close();
            throw e;
        }
    }

    private static int option(int number, int name, String what) throws IOException {
        try (Memory value = new Memory(Integer.BYTES)) {
            IntByReference length = new IntByReference(Integer.BYTES);
            int got = LibC.getsockopt(number, Linux.SOL_SOCKET, name, value, length);
            if (got == -1 && LibC.errno().number() == Linux.ENOTSOCK) {
                return -1;
            }
            SystemCallException.check(got, "getsockopt", what);
            return value.getInt(0);
        }
    }

    /**
     * The socket that systemd passes, if it does: sd_listen_fds(3). A launcher must execute the
     * JVM, not fork it, or the process is not the one that LISTEN_PID names.
     *
     * @param environment this process's
     * @param pid this process's
     * @throws IOException when there is not exactly one, or it is of the wrong kind
     */
    public static Optional<PacketListener> fromSystemd(Map<String, String> environment, long pid)
            throws IOException {
        String forWhom = environment.get("LISTEN_PID");
        if (forWhom == null || !forWhom.equals(Long.toString(pid))) {
            return Optional.empty();
        }
        String count = environment.getOrDefault("LISTEN_FDS", "0");
        if (!count.equals("1")) {
            throw new IOException(
                    "systemd passes LISTEN_FDS=%s sockets, and the service takes 1: have one Listen line in the socket unit"
                            .formatted(count));
        }
        return Optional.of(adopt(FIRST_PASSED));
    }

    /**
     * The next connection that waits, if one does.
     *
     * @throws EOFException when this is closed
     * @throws NoDescriptorsException when there is no room for another: accept no more for a while
     */
    public synchronized Optional<PacketSocket> acceptNow() throws IOException {
        if (!socket.isOpen()) {
            throw new EOFException(socket.what() + " is closed");
        }
        int number = LibC.accept4(socket.number(), null, null, Linux.SOCK_CLOEXEC);
        if (number >= 0) {
            Fd accepted = Fd.own(number, "connection by " + socket.what());
            return Optional.of(PacketSocket.accepted(accepted, "a client"));
        }
        Errno errno = LibC.errno();
        if (errno.equals(Errno.EAGAIN)
                || errno.equals(Errno.EINTR)
                || errno.equals(Errno.ECONNABORTED)) {
            return Optional.empty();
        }
        if (SHORTAGES.contains(errno)) {
            throw new NoDescriptorsException(socket.what(), errno);
        }
        throw new SystemCallException("accept4", socket.what(), errno);
    }

    /** Another descriptor of the socket, readable when a connection waits; the caller's. */
    public synchronized Fd readiness() throws IOException {
        return socket.duplicate();
    }

    /**
     * Listens no longer, and removes the socket from its path if it is still there and was made
     * here.
     */
    @Override
    public synchronized void close() throws IOException {
        if (!socket.isOpen()) {
            return;
        }
        try {
            if (place != null) {
                remove(place);
            }
        } finally {
            socket.close();
            if (place != null) {
                place.lock().close();
            }
        }
    }

    private static void remove(Place place) throws IOException {
        remove(place.path(), place.socket());
    }

    private static void remove(String path, FileIdentity ours) throws IOException {
        if (FileIdentity.of(path).equals(Optional.of(ours)) && LibC.unlink(path) == -1) {
            Errno errno = LibC.errno();
            if (!errno.equals(Errno.ENOENT)) {
                throw new SystemCallException("unlink", path, errno);
            }
        }
    }
}
