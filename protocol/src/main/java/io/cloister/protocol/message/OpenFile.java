// SPDX-License-Identifier: Apache-2.0
package io.cloister.protocol.message;

import io.cloister.protocol.check.Check;
import java.util.Objects;

/**
 * One regular file to open or create in the container, see open(2).
 *
 * @param path absolute, or relative to the work directory; symbolic links are not followed
 * @param create make it if it does not exist; needs write access
 * @param exclusive fail if it exists; needs {@code create}
 * @param truncate empty it; needs write access
 * @param append write at its end; needs write access
 * @param mode permission bits of a file that is created, at most 07777; the umask is 0
 * @param makeParents make missing directories above it, mode 0755; needs {@code create}
 */
public record OpenFile(
        String path,
        Access access,
        boolean create,
        boolean exclusive,
        boolean truncate,
        boolean append,
        int mode,
        boolean makeParents) {
    private static final int DEFAULT_MODE = 0644;

    public OpenFile {
        Check.pathInside("path of a file to open", path);
        Objects.requireNonNull(access, "access");
        Check.mode("mode of a file to open", mode);
        Check.that(
                access.writes() || !(create || truncate || append),
                "a file cannot be created, truncated or appended to when opened for reading only:"
                        + " ask for write access");
        Check.that(
                create || !(exclusive || makeParents),
                "exclusive and makeParents are about creating a file: set create as well");
    }

    /** An existing file, for reading. */
    public static OpenFile read(String path) {
        return new OpenFile(path, Access.READ, false, false, false, false, DEFAULT_MODE, false);
    }

    /** A file for writing, made if missing, emptied otherwise. */
    public static OpenFile create(String path, int mode) {
        return new OpenFile(path, Access.WRITE, true, false, true, false, mode, false);
    }

    /** A file to write at the end of, made if missing. */
    public static OpenFile append(String path, int mode) {
        return new OpenFile(path, Access.WRITE, true, false, false, true, mode, false);
    }

    /** The same with other access. */
    public OpenFile withAccess(Access other) {
        return new OpenFile(path, other, create, exclusive, truncate, append, mode, makeParents);
    }

    /** The same, failing if the file exists. */
    public OpenFile asExclusive() {
        return new OpenFile(path, access, create, true, truncate, append, mode, makeParents);
    }

    /** The same, making missing directories above it. */
    public OpenFile withParents() {
        return new OpenFile(path, access, create, exclusive, truncate, append, mode, true);
    }
}
