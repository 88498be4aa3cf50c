// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.container;

import io.cloister.nativeio.fd.Fd;
import io.cloister.protocol.message.Failure;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * All files were tried. The receiver owns the descriptors.
 *
 * <p>They are of regular files, and O_NONBLOCK, with which they had to be opened, is set still: it
 * has no effect on regular files (open(2)).
 *
 * @param files by path as the request had it
 * @param errors by path, of those that were not opened
 */
public record Opened(Map<String, Fd> files, Map<String, Failure> errors)
        implements OpenReply, AutoCloseable {
    public Opened {
        files = Collections.unmodifiableMap(new LinkedHashMap<>(files));
        errors = Collections.unmodifiableMap(new LinkedHashMap<>(errors));
    }

    /** Closes every file. */
    @Override
    public void close() {
        files.values().forEach(Fd::close);
    }
}
