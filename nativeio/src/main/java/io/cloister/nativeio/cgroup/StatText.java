// SPDX-License-Identifier: Apache-2.0
package io.cloister.nativeio.cgroup;

import java.io.IOException;

/** Values in the text of a group's files: "flat keyed" and "single value" of cgroup-v2.rst. */
final class StatText {
    private StatText() {}

    /**
     * The number after a key at the start of a line.
     *
     * @param file for the message
     */
    static long value(String text, String key, String file) throws IOException {
        int at = 0;
        while (at < text.length()) {
            int end = text.indexOf('\n', at);
            int next = end < 0 ? text.length() : end;
            if (text.startsWith(key, at)
                    && at + key.length() < next
                    && text.charAt(at + key.length()) == ' ') {
                return number(text.substring(at + key.length() + 1, next), file);
            }
            at = next + 1;
        }
        throw new IOException(file + " has no " + key);
    }

    /** The number that is all of a text. */
    static long number(String text, String file) throws IOException {
        try {
            long number = Long.parseLong(text.strip());
            if (number >= 0) {
                return number;
            }
        } catch (NumberFormatException e) {
            // told below
        }
        throw new IOException(
                "%s has no number but '%s'"
                        .formatted(file, text.substring(0, Math.min(40, text.length())).strip()));
    }
}
