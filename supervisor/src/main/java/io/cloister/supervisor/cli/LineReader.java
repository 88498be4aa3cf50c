// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.cli;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.util.Optional;

/** Splits a stream into lines without ever holding more of one than is allowed. */
final class LineReader {
    /** A line without its line feed, numbered from 1; the last one may lack it. */
    sealed interface Line {
        long number();

        @SuppressWarnings("ArrayRecordComponent") // read once and compared with nothing
        record Text(long number, byte[] bytes) implements Line {}

        /** One beyond the bound, which was passed over. */
        record TooLong(long number) implements Line {}
    }

    private static final int BUFFER = 64 * 1024;

    private final InputStream in;
    private final long maxBytes;
    private final byte[] buffer = new byte[BUFFER];
    private int position;
    private int filled;
    private long number;

    LineReader(InputStream in, long maxBytes) {
        this.in = in;
        this.maxBytes = maxBytes;
    }

    /** The next line; nothing at the end of the stream. */
    Optional<Line> next() throws IOException {
        ByteArrayOutputStream line = new ByteArrayOutputStream();
        boolean tooLong = false;
        boolean begun = false;
        while (position < filled || fill()) {
            begun = true;
            int end = position;
            while (end < filled && buffer[end] != '\n') {
                end++;
            }
            if (!tooLong && line.size() + (long) (end - position) > maxBytes) {
                tooLong = true;
                line = new ByteArrayOutputStream();
            }
            if (!tooLong) {
                line.write(buffer, position, end - position);
            }
            if (end < filled) {
                position = end + 1;
                break;
            }
            position = end;
        }
        if (!begun) {
            return Optional.empty();
        }
        number++;
        return Optional.of(
                tooLong ? new Line.TooLong(number) : new Line.Text(number, line.toByteArray()));
    }

    private boolean fill() throws IOException {
        position = 0;
        filled = Math.max(0, in.read(buffer));
        return filled > 0;
    }
}
