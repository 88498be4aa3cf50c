// SPDX-License-Identifier: Apache-2.0
package io.cloister.it.judge;

import java.nio.file.Path;
import java.util.Map;
import java.util.TreeMap;

/**
 * The files of a program: a submission or a validator.
 *
 * @param name of the program, for people
 * @param files by their paths below the program's directory, which are those in the container
 */
record SourceFiles(String name, Map<String, Path> files) {
    SourceFiles {
        files = new TreeMap<>(files);
    }

    /** The same with further files, which take the place of those of their names. */
    SourceFiles with(Map<String, Path> more) {
        Map<String, Path> all = new TreeMap<>(files);
        all.putAll(more);
        return new SourceFiles(name, all);
    }
}
