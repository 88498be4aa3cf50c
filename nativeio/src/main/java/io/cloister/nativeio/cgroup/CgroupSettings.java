// SPDX-License-Identifier: Apache-2.0
package io.cloister.nativeio.cgroup;

import java.nio.file.Path;
import java.util.Optional;

/**
 * Which control groups to use.
 *
 * @param root the version 2 directory below which the worker makes its groups; it must be the
 *     worker's alone to manage. Without one, the worker's own group.
 */
public record CgroupSettings(Mode mode, Optional<Path> root) {

    /** Which version. */
    public enum Mode {
        /** The best that can be used, which may be none. */
        AUTO,
        /** Version 2, or an error. */
        V2,
        /** Version 1, or an error. */
        V1,
        /** None, even where there are some. */
        NONE
    }

    public static final CgroupSettings AUTO = new CgroupSettings(Mode.AUTO, Optional.empty());

    public CgroupSettings {
        if (root.isPresent() && !root.get().isAbsolute()) {
            throw new IllegalArgumentException("not an absolute path: " + root.get());
        }
        if (root.isPresent() && mode != Mode.AUTO && mode != Mode.V2) {
            throw new IllegalArgumentException(
                    "a root directory is for version 2, but the mode is " + mode);
        }
    }
}
