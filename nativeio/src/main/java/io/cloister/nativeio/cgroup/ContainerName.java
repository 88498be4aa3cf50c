// SPDX-License-Identifier: Apache-2.0
package io.cloister.nativeio.cgroup;

import java.nio.file.Path;
import java.util.regex.Pattern;

/** Names of containers, which can be neither paths nor the names of the kernel's own files. */
final class ContainerName {
    private static final Pattern NAME = Pattern.compile("[A-Za-z0-9_-]{1,64}");

    private ContainerName() {}

    static Path in(Path directory, String name) {
        if (!NAME.matcher(name).matches()) {
            throw new IllegalArgumentException("not a name of a container's group: " + name);
        }
        return directory.resolve(name);
    }
}
