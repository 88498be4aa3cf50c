// SPDX-License-Identifier: Apache-2.0
package io.cloister.nativeio.libc;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.Map;
import java.util.Properties;
import java.util.TreeMap;

/** Reads the {@code NAME=NUMBER} files that the build extracted from the kernel's headers. */
final class HeaderResource {
    private static final String DIRECTORY = "/io/cloister/nativeio/init/";

    private HeaderResource() {}

    static Map<String, Long> read(String file) {
        Properties properties = new Properties();
        try (InputStream in = HeaderResource.class.getResourceAsStream(DIRECTORY + file)) {
            if (in == null) {
                throw new UnsupportedOperationException(
                        "this build of Cloister has no "
                                + file
                                + ": build it on that architecture or with its cross compiler");
            }
            properties.load(in);
        } catch (IOException e) {
            throw new UncheckedIOException("cannot read " + file, e);
        }
        Map<String, Long> numbers = new TreeMap<>();
        properties.forEach(
                (name, value) -> numbers.put((String) name, Long.valueOf((String) value)));
        return numbers;
    }
}
