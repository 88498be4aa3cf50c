// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.doctor;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;

/** What files of the host say; below another directory in tests. */
record HostFiles(Path root) {
    static HostFiles ofThisHost() {
        return new HostFiles(Path.of("/"));
    }

    /** The lines of a file; empty when it cannot be read. */
    List<String> lines(String path) {
        try {
            return Files.readAllLines(at(path));
        } catch (IOException e) {
            return List.of();
        }
    }

    /** The number that is all of a file, as in /proc/sys; empty when there is none. */
    OptionalLong number(String path) {
        return lines(path).stream().findFirst().map(HostFiles::parse).orElse(OptionalLong.empty());
    }

    /** What follows {@code name:} in a file such as /proc/self/status. */
    Optional<String> field(String path, String name) {
        return lines(path).stream()
                .filter(line -> line.startsWith(name + ":"))
                .map(line -> line.substring(name.length() + 1).strip())
                .findFirst();
    }

    boolean exists(String path) {
        return Files.exists(at(path), LinkOption.NOFOLLOW_LINKS);
    }

    private Path at(String path) {
        return root.resolve(path.substring(1));
    }

    private static OptionalLong parse(String text) {
        try {
            return OptionalLong.of(Long.parseLong(text.strip()));
        } catch (NumberFormatException e) {
            return OptionalLong.empty();
        }
    }
}
