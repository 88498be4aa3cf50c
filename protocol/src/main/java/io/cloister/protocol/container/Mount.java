// SPDX-License-Identifier: Apache-2.0
package io.cloister.protocol.container;

import io.cloister.protocol.check.Check;
import io.cloister.protocol.unit.ByteSize;

/** Something mounted in the container; always nosuid. */
public sealed interface Mount {
    /** Where it is mounted: absolute and normalised, below the container's root. */
    String target();

    /**
     * A directory or file of the host made visible in the container, recursively.
     *
     * @param source on the host: absolute and normalised
     * @param readOnly no writing through it; device files can be written to nevertheless
     * @param optional left out when the source does not exist
     * @param devices device files on it work (otherwise nodev)
     */
    record Bind(String source, String target, boolean readOnly, boolean optional, boolean devices)
            implements Mount {
        public Bind {
            Check.absolutePath("source of a bind mount", source);
            Check.absolutePathBelowRoot("target of a bind mount", target);
        }

        /** The same path inside as outside, read-only. */
        public static Bind readOnly(String path) {
            return readOnly(path, path);
        }

        public static Bind readOnly(String source, String target) {
            return new Bind(source, target, true, false, false);
        }

        /** Programs can change the host's files through it, as far as their modes allow. */
        public static Bind writable(String source, String target) {
            return new Bind(source, target, false, false, false);
        }

        /** A device file: usable, but its mode and owner cannot be changed through the mount. */
        public static Bind device(String path) {
            return new Bind(path, path, true, false, true);
        }

        /** The same, left out when its source does not exist. */
        public Bind asOptional() {
            return new Bind(source, target, readOnly, true, devices);
        }
    }

    /**
     * A file system in memory; empty at first, and again after each reset. See tmpfs(5).
     *
     * @param size 4096 bytes (one page) or more; the kernel takes 0 for "no limit"
     * @param inodes files and directories it can hold, its root included: 1 to 2^31 - 1
     * @param mode of its root directory, at most 07777
     * @param uid owner of its root directory, an id of the container
     * @param gid group of its root directory, an id of the container
     * @param noexec nothing on it can be executed
     */
    record Tmpfs(
            String target, ByteSize size, long inodes, int mode, int uid, int gid, boolean noexec)
            implements Mount {
        private static final long PAGE = 4096;

        public Tmpfs {
            Check.absolutePathBelowRoot("target of a tmpfs", target);
            Check.range("size of a tmpfs in bytes", size.bytes(), PAGE, Long.MAX_VALUE);
            Check.range("inodes of a tmpfs", inodes, 1, Integer.MAX_VALUE);
            Check.mode("mode of a tmpfs", mode);
            Check.range("uid of a tmpfs", uid, 0, Check.MAX_CONTAINER_ID);
            Check.range("gid of a tmpfs", gid, 0, Check.MAX_CONTAINER_ID);
        }

        /** A directory that belongs to the program, mode 0755. */
        public static Tmpfs ownedBy(Credential owner, String target, ByteSize size, long inodes) {
            return new Tmpfs(target, size, inodes, 0755, owner.uid(), owner.gid(), false);
        }

        /** A directory that everyone may write to, mode 01777, as /tmp is. */
        public static Tmpfs shared(String target, ByteSize size, long inodes) {
            return new Tmpfs(target, size, inodes, 01777, 0, 0, false);
        }
    }

    /** The container's own process information, see proc(5). */
    record Proc(String target, boolean readOnly) implements Mount {
        public Proc {
            Check.absolutePathBelowRoot("target of proc", target);
        }
    }
}
