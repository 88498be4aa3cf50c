// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.handler;

import io.cloister.protocol.check.Check;
import java.util.List;
import java.util.Optional;

/**
 * A path of a request: below the container's root, or relative to the work directory. It has no
 * empty, {@code .} or {@code ..} component, so it cannot climb.
 */
record ContainerPath(String text) {
    ContainerPath {
        Check.pathInside("path", text);
    }

    boolean isAbsolute() {
        return text.charAt(0) == '/';
    }

    /** Seen from the directory that it starts at. */
    String relative() {
        return isAbsolute() ? text.substring(1) : text;
    }

    /** The directory it is in; empty when that is where it starts. */
    Optional<ContainerPath> parent() {
        int slash = text.lastIndexOf('/');
        return slash <= 0
                ? Optional.empty()
                : Optional.of(new ContainerPath(text.substring(0, slash)));
    }

    /** Its last component. */
    String name() {
        return text.substring(text.lastIndexOf('/') + 1);
    }

    List<String> components() {
        return List.of(relative().split("/"));
    }

    /** The same place as an absolute path. */
    String absolute(String workDirectory) {
        return isAbsolute()
                ? text
                : workDirectory.equals("/") ? "/" + text : workDirectory + "/" + text;
    }

    /** Whether a place is this one or below it; both absolute. */
    static boolean holds(String directory, String place) {
        return place.startsWith(directory)
                && (place.length() == directory.length()
                        || directory.equals("/")
                        || place.charAt(directory.length()) == '/');
    }
}
