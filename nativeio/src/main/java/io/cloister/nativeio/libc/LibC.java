// SPDX-License-Identifier: Apache-2.0
package io.cloister.nativeio.libc;

import com.sun.jna.Memory;
import com.sun.jna.Native;
import com.sun.jna.Pointer;
import com.sun.jna.ptr.IntByReference;
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;

/**
 * Direct-mapped functions of the C library under their C names, and nothing else. Each returns what
 * C returns; {@link #errno()} right after a failed call, on the same thread, says why.
 */
public final class LibC {
    static {
        Native.register(LibC.class, "c");
    }

    private LibC() {}

    /** The calling thread's errno of its last failed call here. */
    public static Errno errno() {
        return new Errno(Native.getLastError());
    }

    /** open(2). */
    public static native int open(String path, int flags, int mode);

    /** close(2). */
    public static native int close(int fd);

    /** read(2). */
    public static native long read(int fd, byte[] buffer, long count);

    /** read(2) to an address. */
    public static native long read(int fd, Pointer buffer, long count);

    /** write(2). */
    public static native long write(int fd, byte[] buffer, long count);

    /** write(2) from an address. */
    public static native long write(int fd, Pointer buffer, long count);

    /** sendfile(2); a null offset uses and moves that of the file. */
    public static native long sendfile(int out, int in, @Nullable Pointer offset, long count);

    /** fstat(2). */
    public static native int fstat(int fd, Pointer status);

    /** fchmod(2). */
    public static native int fchmod(int fd, int mode);

    /** pread(2). */
    public static native long pread(int fd, byte[] buffer, long count, long offset);

    /** pwrite(2). */
    public static native long pwrite(int fd, byte[] buffer, long count, long offset);

    /** statx(2). */
    public static native int statx(int fd, String path, int flags, int mask, Pointer status);

    /** flock(2). */
    public static native int flock(int fd, int operation);

    /** unlink(2). */
    public static native int unlink(String path);

    /** mkdir(2). */
    public static native int mkdir(String path, int mode);

    /** rmdir(2). */
    public static native int rmdir(String path);

    /** chown(2); -1 leaves an id as it is. */
    public static native int chown(String path, int uid, int gid);

    /** fchownat(2); -1 leaves an id as it is. */
    public static native int fchownat(int fd, String path, int uid, int gid, int flags);

    /** chmod(2). */
    public static native int chmod(String path, int mode);

    /** lseek(2). */
    public static native long lseek(int fd, long offset, int whence);

    /** ftruncate(2). */
    public static native int ftruncate(int fd, long length);

    /** fcntl(2) with an integer argument. */
    public static native int fcntl(int fd, int command, long argument);

    /** pipe2(2). */
    public static native int pipe2(int[] fds, int flags);

    /** memfd_create(2). */
    public static native int memfd_create(String name, int flags);

    /** dup3(2). */
    public static native int dup3(int fd, int newFd, int flags);

    /** socketpair(2). */
    public static native int socketpair(int domain, int type, int protocol, int[] fds);

    /** setsockopt(2) with an integer. */
    public static native int setsockopt(
            int fd, int level, int name, IntByReference value, int length);

    /** setsockopt(2) with a structure. */
    public static native int setsockopt(int fd, int level, int name, Pointer value, int length);

    /** getsockopt(2). */
    public static native int getsockopt(
            int fd, int level, int name, Pointer value, IntByReference length);

    /** socket(2). */
    public static native int socket(int domain, int type, int protocol);

    /** connect(2) to what a {@code struct sockaddr} names. */
    public static native int connect(int fd, Pointer address, int length);

    /** bind(2) to what a {@code struct sockaddr} names. */
    public static native int bind(int fd, Pointer address, int length);

    /** listen(2). */
    public static native int listen(int fd, int backlog);

    /** accept4(2). */
    public static native int accept4(
            int fd, @Nullable Pointer address, @Nullable Pointer length, int flags);

    /** sendmsg(2) of what a {@code struct msghdr} points to. */
    public static native long sendmsg(int fd, Pointer message, int flags);

    /** shutdown(2). */
    public static native int shutdown(int fd, int how);

    /** recvmsg(2) into what a {@code struct msghdr} points to. */
    public static native long recvmsg(int fd, Pointer message, int flags);

    /** poll(2) on an array of {@code struct pollfd}. */
    public static native int poll(byte[] fds, long count, int timeoutMillis);

    /** epoll_create1(2). */
    public static native int epoll_create1(int flags);

    /** epoll_ctl(2). */
    public static native int epoll_ctl(int epoll, int operation, int fd, @Nullable Pointer event);

    /** epoll_wait(2) into an array of {@code struct epoll_event}. */
    public static native int epoll_wait(int epoll, Pointer events, int most, int timeoutMillis);

    /** eventfd(2). */
    public static native int eventfd(int initial, int flags);

    /** syscall(2), for calls that the C library does not wrap. */
    public static native long syscall(long number, long a, long b, long c, long d);

    /** waitpid(2). */
    public static native int waitpid(int pid, IntByReference status, int options);

    /** kill(2). */
    public static native int kill(int pid, int signal);

    /** geteuid(2). */
    public static native int geteuid();

    /** getegid(2). */
    public static native int getegid();

    /** ioctl(2) with a pointer argument. */
    public static native int ioctl(int fd, long request, byte[] argument);

    /** ioctl(2) with an integer argument. */
    public static native int ioctl(int fd, long request, long argument);

    /** tcgetattr(3) into a {@code struct termios}. */
    public static native int tcgetattr(int fd, byte[] termios);

    /** tcsetattr(3) from a {@code struct termios}. */
    public static native int tcsetattr(int fd, int when, byte[] termios);

    /** cfmakeraw(3). */
    public static native void cfmakeraw(byte[] termios);

    /** posix_spawn(3); returns the error number itself. */
    public static native int posix_spawn(
            IntByReference pid,
            String path,
            Pointer fileActions,
            Pointer attributes,
            Pointer argv,
            @Nullable Pointer envp);

    /** posix_spawn_file_actions_init(3). */
    public static native int posix_spawn_file_actions_init(Pointer actions);

    /** posix_spawn_file_actions_destroy(3). */
    public static native int posix_spawn_file_actions_destroy(Pointer actions);

    /** posix_spawn_file_actions_addopen(3). */
    public static native int posix_spawn_file_actions_addopen(
            Pointer actions, int fd, String path, int flags, int mode);

    /** posix_spawn_file_actions_adddup2(3). */
    public static native int posix_spawn_file_actions_adddup2(Pointer actions, int fd, int newFd);

    /** posix_spawn_file_actions_addclosefrom_np(3), glibc 2.34. */
    public static native int posix_spawn_file_actions_addclosefrom_np(Pointer actions, int from);

    /** posix_spawnattr_init(3). */
    public static native int posix_spawnattr_init(Pointer attributes);

    /** posix_spawnattr_destroy(3). */
    public static native int posix_spawnattr_destroy(Pointer attributes);

    /** posix_spawnattr_setflags(3). */
    public static native int posix_spawnattr_setflags(Pointer attributes, short flags);

    /** posix_spawnattr_setsigmask(3). */
    public static native int posix_spawnattr_setsigmask(Pointer attributes, Pointer set);

    /** posix_spawnattr_setsigdefault(3). */
    public static native int posix_spawnattr_setsigdefault(Pointer attributes, Pointer set);

    /** sigemptyset(3). */
    public static native int sigemptyset(Pointer set);

    /** sigfillset(3). */
    public static native int sigfillset(Pointer set);

    private static native @Nullable Pointer strerrordesc_np(int number);

    /** The words for an errno without regard to the locale: strerrordesc_np(3), glibc 2.32. */
    static String strerror(int number) {
        Pointer words = strerrordesc_np(number);
        return words == null ? "unknown error" : words.getString(0, "US-ASCII");
    }

    /** A null-terminated array of C strings; keep the result referenced while C uses it. */
    public static Memory stringArray(String... strings) {
        int bytes = Native.POINTER_SIZE * (strings.length + 1);
        int total = bytes;
        byte[][] encoded = new byte[strings.length][];
        for (int i = 0; i < strings.length; i++) {
            encoded[i] = Native.toByteArray(strings[i], StandardCharsets.UTF_8);
            total += encoded[i].length;
        }
        Memory memory = new Memory(total);
        long at = bytes;
        for (int i = 0; i < strings.length; i++) {
            memory.write(at, encoded[i], 0, encoded[i].length);
            memory.setPointer((long) i * Native.POINTER_SIZE, memory.share(at));
            at += encoded[i].length;
        }
        memory.setPointer((long) strings.length * Native.POINTER_SIZE, null);
        return memory;
    }
}
