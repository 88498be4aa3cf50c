// SPDX-License-Identifier: Apache-2.0
package io.cloister.nativeio.testkit;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Map;
import java.util.TreeMap;

/** What /proc/PID/fd shows: each descriptor and what it is. */
public final class OpenDescriptors {
    private OpenDescriptors() {}

    /** This process's, without the files that the JVM itself opens when it likes. */
    public static Map<Integer, String> own() throws IOException {
        Map<Integer, String> open = of(ProcessHandle.current().pid());
        open.values()
                .removeIf(what ->
                        what.endsWith(".jar")
                                || what.endsWith(".so")
                                || what.endsWith("/modules")
                                || what.startsWith("/proc/"));
        return open;
    }

    public static Map<Integer, String> of(long pid) throws IOException {
        Map<Integer, String> open = new TreeMap<>();
        try (DirectoryStream<Path> entries =
                Files.newDirectoryStream(Path.of("/proc/" + pid + "/fd"))) {
            for (Path entry : entries) {
                try {
                    open.put(
                            Integer.valueOf(entry.getFileName().toString()),
                            Files.readSymbolicLink(entry).toString());
                } catch (NoSuchFileException e) {
                    // closed meanwhile
                }
            }
        }
        return open;
    }
}
