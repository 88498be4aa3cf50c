// SPDX-License-Identifier: Apache-2.0
package io.cloister.protocol.message;

import io.cloister.protocol.check.Check;
import io.cloister.protocol.check.InvalidRequest;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * Open files in the container. Descriptors come back by path, errors one per file; the reply is the
 * supervisor's, since descriptors stay in one JVM.
 *
 * @param files 1 to 1024, no path twice
 */
public record Open(List<OpenFile> files) implements Request {
    public static final int MAX_FILES = 1024;

    public Open {
        files = Check.list("files to open", files, MAX_FILES);
        Check.that(!files.isEmpty(), "no file to open: name at least one");
        Set<String> paths = new HashSet<>();
        for (OpenFile file : files) {
            if (!paths.add(file.path())) {
                throw new InvalidRequest(
                        "%s is to be opened twice, but descriptors come back by path: keep one"
                                .formatted(Check.quoted(file.path())));
            }
        }
    }

    public static Open of(OpenFile... files) {
        return new Open(List.of(files));
    }
}
