// SPDX-License-Identifier: Apache-2.0
package io.cloister.nativeio.fd;

import com.sun.jna.Memory;
import io.cloister.nativeio.libc.Errno;
import io.cloister.nativeio.libc.LibC;
import io.cloister.nativeio.libc.Linux;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import java.util.stream.Stream;

/**
 * What a descriptor is that somebody passed who is not trusted. Finding out waits for nobody: only
 * the kernel answers, never the file system, which the peer may run itself (FUSE).
 *
 * @param append whether each write goes to the file's end (O_APPEND)
 */
public record DescriptorTraits(DescriptorKind kind, Access access, boolean append) {
    /**
     * Types of local file systems as mountinfo names them, proc(5). Their files do not make a
     * caller wait for anybody but a disk. An overlay is mounted here by somebody who is trusted.
     */
    private static final Set<String> LOCAL =
            Set.of(
                    "bcachefs",
                    "btrfs",
                    "erofs",
                    "exfat",
                    "ext2",
                    "ext3",
                    "ext4",
                    "f2fs",
                    "iso9660",
                    "jfs",
                    "nilfs2",
                    "ntfs3",
                    "overlay",
                    "ramfs",
                    "reiserfs",
                    "rootfs",
                    "squashfs",
                    "tmpfs",
                    "vfat",
                    "xfs",
                    "zfs");

    private static final Set<Integer> HARMLESS_MINORS =
            Set.of(
                    Linux.NULL_MINOR,
                    Linux.ZERO_MINOR,
                    Linux.FULL_MINOR,
                    Linux.RANDOM_MINOR,
                    Linux.URANDOM_MINOR);

    /** The mount of all pipes, which mountinfo does not show. */
    private static final long PIPES = mountOfPipes();

    /** What a descriptor was opened for. */
    public enum Access {
        READ,
        WRITE,
        BOTH,
        /** With O_PATH, or with both bits set, which permits ioctl(2) alone. */
        NONE
    }

    /**
     * Looks at a descriptor.
     *
     * @throws IOException when it is not open
     */
    public static DescriptorTraits of(Fd fd) throws IOException {
        int flags = LibC.fcntl(fd.number(), Linux.F_GETFL, 0);
        SystemCallException.check(flags, "fcntl F_GETFL", fd.what());
        if ((flags & Linux.O_PATH) != 0) {
            return new DescriptorTraits(DescriptorKind.PATH_ONLY, Access.NONE, false);
        }
        return new DescriptorTraits(kind(fd), access(flags), (flags & Linux.O_APPEND) != 0);
    }

    private static Access access(int flags) {
        int mode = flags & Linux.O_ACCMODE;
        if (mode == Linux.O_RDONLY) {
            return Access.READ;
        }
        if (mode == Linux.O_WRONLY) {
            return Access.WRITE;
        }
        return mode == Linux.O_RDWR ? Access.BOTH : Access.NONE;
    }

    public boolean isReadable() {
        return access == Access.READ || access == Access.BOTH;
    }

    public boolean isWritable() {
        return access == Access.WRITE || access == Access.BOTH;
    }

    private static DescriptorKind kind(Fd fd) throws IOException {
        if (LibC.fcntl(fd.number(), Linux.F_GET_SEALS, 0) != -1) {
            return DescriptorKind.MEMORY_FILE;
        }
        try (Memory status = new Memory(Linux.statx_SIZE)) {
            int mask = Linux.STATX_TYPE | Linux.STATX_MNT_ID;
            if (statx(fd, mask, status) == -1) {
                if (LibC.errno().equals(Errno.EBADF)) {
                    throw new SystemCallException("statx", fd.what(), LibC.errno());
                }
                return DescriptorKind.OTHER_FILE; // FUSE refuses those whom it was not mounted for
            }
            if ((status.getInt(Linux.statx_stx_mask) & mask) != mask) {
                return DescriptorKind.OTHER_FILE;
            }
            int type = Short.toUnsignedInt(status.getShort(Linux.statx_stx_mode)) & Linux.S_IFMT;
            long mount = status.getLong(Linux.statx_stx_mnt_id);
            if (type == Linux.S_IFREG) {
                return isLocal(mount) ? DescriptorKind.REGULAR_FILE : DescriptorKind.OTHER_FILE;
            }
            if (type == Linux.S_IFIFO) {
                boolean known = mount == PIPES || isLocal(mount);
                return known ? DescriptorKind.PIPE : DescriptorKind.OTHER_FILE;
            }
            if (type == Linux.S_IFCHR) {
                return characterDevice(
                        status.getInt(Linux.statx_stx_rdev_major),
                        status.getInt(Linux.statx_stx_rdev_minor));
            }
            if (type == Linux.S_IFSOCK) {
                return DescriptorKind.SOCKET;
            }
            if (type == Linux.S_IFDIR) {
                return DescriptorKind.DIRECTORY;
            }
            if (type == Linux.S_IFBLK) {
                return DescriptorKind.DEVICE;
            }
            return type == 0 ? DescriptorKind.ANONYMOUS : DescriptorKind.OTHER_FILE;
        }
    }

    /** AT_STATX_DONT_SYNC has the kernel answer with what it knows: statx(2). */
    private static int statx(Fd fd, int mask, Memory status) {
        int flags = Linux.AT_EMPTY_PATH | Linux.AT_STATX_DONT_SYNC | Linux.AT_NO_AUTOMOUNT;
        return LibC.statx(fd.number(), "", flags, mask, status);
    }

    private static DescriptorKind characterDevice(int major, int minor) {
        int pty = major - Linux.UNIX98_PTY_SLAVE_MAJOR;
        if (pty >= 0 && pty < Linux.UNIX98_PTY_MAJOR_COUNT) {
            return DescriptorKind.TERMINAL;
        }
        return major == Linux.MEM_MAJOR && HARMLESS_MINORS.contains(minor)
                ? DescriptorKind.NULL_DEVICE
                : DescriptorKind.DEVICE;
    }

    /**
     * Whether a mount is one that this process sees, of a local file system. An open file keeps its
     * mount, so that no other has the same id.
     */
    private static boolean isLocal(long mount) throws IOException {
        String id = Long.toString(mount);
        // a mount's path has any bytes but a space and a newline, which are escaped
        try (Stream<String> lines =
                Files.lines(Path.of("/proc/self/mountinfo"), StandardCharsets.ISO_8859_1)) {
            return lines.filter(line -> line.startsWith(id + " "))
                    .anyMatch(line -> LOCAL.contains(fileSystem(line)));
        }
    }

    /** The word after the lone hyphen: mountinfo of proc(5). */
    private static String fileSystem(String line) {
        int hyphen = line.indexOf(" - ");
        int end = line.indexOf(' ', hyphen + 3);
        return hyphen < 0 || end < 0 ? "" : line.substring(hyphen + 3, end);
    }

    private static long mountOfPipes() {
        try (Pipe pipe = Pipe.open("probe");
                Memory status = new Memory(Linux.statx_SIZE)) {
            return statx(pipe.readEnd(), Linux.STATX_MNT_ID, status) == -1
                    ? -1
                    : status.getLong(Linux.statx_stx_mnt_id);
        } catch (IOException e) {
            throw new UncheckedIOException("cannot make a pipe to compare with", e);
        }
    }
}
