// SPDX-License-Identifier: Apache-2.0
package io.cloister.nativeio.libc;

import java.util.Locale;

/** A processor architecture that init is built for. */
public enum Architecture {
    X86_64("x86_64"),
    AARCH64("aarch64");

    private final String machine;

    Architecture(String machine) {
        this.machine = machine;
    }

    /** The name that {@code uname -m} and the build's files use. */
    public String machine() {
        return machine;
    }

    /**
     * The architecture this JVM runs on.
     *
     * @throws UnsupportedOperationException on any other than these two
     */
    public static Architecture current() {
        String name = System.getProperty("os.arch").toLowerCase(Locale.ROOT);
        return switch (name) {
            case "amd64", "x86_64" -> X86_64;
            case "aarch64", "arm64" -> AARCH64;
            default ->
                    throw new UnsupportedOperationException(
                            "Cloister runs on x86-64 and aarch64, not on " + name);
        };
    }
}
