// SPDX-License-Identifier: Apache-2.0
package io.cloister.nativeio.program;

import io.cloister.nativeio.libc.Linux;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/**
 * Linux structs by name: what handlers put into a program's data area, and what they read from a
 * result, without a word of offsets.
 */
public final class Structs {
    private Structs() {}

    /**
     * A {@code struct open_how} for openat2(2).
     *
     * @param mode must be 0 unless {@code flags} create something
     * @param resolve RESOLVE_ flags
     */
    public static Data openHow(SyscallProgram.Builder b, long flags, long mode, long resolve) {
        Data how = b.reserve(Linux.open_how_SIZE);
        b.putLong(how, Linux.open_how_flags, flags);
        b.putLong(how, Linux.open_how_mode, mode);
        b.putLong(how, Linux.open_how_resolve, resolve);
        return how;
    }

    /**
     * What fstat(2) tells.
     *
     * @param mode type and permission bits
     * @param uid as the caller's user namespace has it
     * @param gid as the caller's user namespace has it
     * @param size in bytes
     * @param device which file system it is on
     * @param inode which file of it
     */
    public record Stat(int mode, int uid, int gid, long size, long device, long inode) {
        /** Length of the struct in bytes. */
        public static final int SIZE = Linux.stat_SIZE;

        /** Room for {@code count} of them, one after the other. */
        public static Data reserve(SyscallProgram.Builder b, int count) {
            return b.reserve(count * SIZE);
        }

        /** The one that begins {@code at} bytes into the buffer. */
        public static Stat read(ByteBuffer bytes, int at) {
            return new Stat(
                    bytes.getInt(at + Linux.stat_st_mode),
                    bytes.getInt(at + Linux.stat_st_uid),
                    bytes.getInt(at + Linux.stat_st_gid),
                    bytes.getLong(at + Linux.stat_st_size),
                    bytes.getLong(at + Linux.stat_st_dev),
                    bytes.getLong(at + Linux.stat_st_ino));
        }

        public boolean isRegular() {
            return isType(Linux.S_IFREG);
        }

        public boolean isDirectory() {
            return isType(Linux.S_IFDIR);
        }

        private boolean isType(int type) {
            return (mode & Linux.S_IFMT) == type;
        }

        /** The permission bits, at most 07777. */
        public int permissions() {
            return mode & ~Linux.S_IFMT;
        }

        /** What it is, in words: {@code a directory}. */
        public String kind() {
            return isRegular()
                    ? "a regular file"
                    : isDirectory()
                            ? "a directory"
                            : isType(Linux.S_IFLNK)
                                    ? "a symbolic link"
                                    : isType(Linux.S_IFIFO)
                                            ? "a FIFO"
                                            : isType(Linux.S_IFSOCK) ? "a socket" : "a device";
        }
    }

    /**
     * What fstatfs(2) tells.
     *
     * @param type a magic number, see statfs(2)
     * @param blocks how many there are
     * @param freeBlocks how many of them are free
     * @param files how many inodes there can be
     * @param freeFiles how many of them are free
     */
    public record StatFs(long type, long blocks, long freeBlocks, long files, long freeFiles) {
        /** Length of the struct in bytes. */
        public static final int SIZE = Linux.statfs_SIZE;

        /** Room for {@code count} of them, one after the other. */
        public static Data reserve(SyscallProgram.Builder b, int count) {
            return b.reserve(count * SIZE);
        }

        /** The one that begins {@code at} bytes into the buffer. */
        public static StatFs read(ByteBuffer bytes, int at) {
            return new StatFs(
                    bytes.getLong(at + Linux.statfs_f_type),
                    bytes.getLong(at + Linux.statfs_f_blocks),
                    bytes.getLong(at + Linux.statfs_f_bfree),
                    bytes.getLong(at + Linux.statfs_f_files),
                    bytes.getLong(at + Linux.statfs_f_ffree));
        }
    }

    /** An entry of a directory. */
    public static final class DirectoryEntry {
        private final byte[] name;
        private final boolean directory;

        private DirectoryEntry(byte[] name, boolean directory) {
            this.name = name;
            this.directory = directory;
        }

        /** Bytes that need not be text, without the final NUL. */
        public byte[] name() {
            return name.clone();
        }

        /** Whether it may be a directory; some file systems do not say, then it may. */
        public boolean maybeDirectory() {
            return directory;
        }

        /**
         * What getdents64(2) wrote, without {@code .} and {@code ..}.
         *
         * @param length what the call returned
         * @throws BadReplyException when the entries cannot be the kernel's
         */
        public static List<DirectoryEntry> readAll(ByteBuffer bytes, int length)
                throws BadReplyException {
            List<DirectoryEntry> entries = new ArrayList<>();
            int end;
            for (int at = 0; at < length; at = end) {
                int start = at + Linux.dirent64_d_name;
                end = at + recordLength(bytes, at, length);
                int nul = start;
                while (nul < end && bytes.get(nul) != 0) {
                    nul++;
                }
                if (nul == start || nul == end) {
                    throw new BadReplyException("a directory entry without a name at " + at);
                }
                byte[] name = new byte[nul - start];
                bytes.get(start, name);
                if (!isDot(name)) {
                    int type = bytes.get(at + Linux.dirent64_d_type);
                    boolean directory = type == Linux.DT_DIR || type == Linux.DT_UNKNOWN;
                    entries.add(new DirectoryEntry(name, directory));
                }
            }
            return entries;
        }

        private static int recordLength(ByteBuffer bytes, int at, int length)
                throws BadReplyException {
            int left = Math.min(length, bytes.limit()) - at;
            if (left > Linux.dirent64_d_name) {
                int reclen = Short.toUnsignedInt(bytes.getShort(at + Linux.dirent64_d_reclen));
                if (reclen > Linux.dirent64_d_name && reclen <= left) {
                    return reclen;
                }
            }
            throw new BadReplyException("a directory entry cut short at " + at + " of " + length);
        }

        private static boolean isDot(byte[] name) {
            return name[0] == '.' && (name.length == 1 || (name.length == 2 && name[1] == '.'));
        }

        /** The name for messages: what is not UTF-8 in it becomes U+FFFD. */
        public String text() {
            return new String(name, StandardCharsets.UTF_8);
        }
    }
}
