// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(value = 60, unit = TimeUnit.SECONDS)
class LineReaderTest {
    private static final int MAX = 100_000;

    @Test
    void shouldSplitAtLineFeedsAndKeepALastLineWithoutOne() throws IOException {
        assertThat(read("a\n\nbc\r\nlast")).containsExactly("1:a", "2:", "3:bc\r", "4:last");
        assertThat(read("a\n")).containsExactly("1:a");
        assertThat(read("")).isEmpty();
        assertThat(read("\n")).containsExactly("1:");
    }

    @Test
    void shouldSplitLinesThatLieAcrossItsBuffer() throws IOException {
        for (int length : new int[] {65_535, 65_536, 65_537, MAX}) {
            String line = "x".repeat(length);
            assertThat(read(line + "\ny\n" + line))
                    .containsExactly("1:" + line, "2:y", "3:" + line);
        }
    }

    @Test
    void shouldPassOverLinesThatAreTooLongAndGoOn() throws IOException {
        String line = "x".repeat(MAX + 1);

        assertThat(read(line + "\ny\n" + line.repeat(5) + "\n" + line))
                .containsExactly("1 too long", "2:y", "3 too long", "4 too long");
    }

    @Test
    void shouldHoldNoMoreOfALineThanItsBound() throws IOException {
        ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        LineReader reader = new LineReader(new Zeros(500_000_000), MAX);
        long before = threads.getCurrentThreadAllocatedBytes();

        assertThat(reader.next()).contains(new LineReader.Line.TooLong(1));

        assertThat(threads.getCurrentThreadAllocatedBytes() - before).isLessThan(10 * MAX);
    }

    private static List<String> read(String text) throws IOException {
        LineReader reader =
                new LineReader(
                        new ByteArrayInputStream(text.getBytes(StandardCharsets.UTF_8)), MAX);
        List<String> lines = new ArrayList<>();
        for (Optional<LineReader.Line> line = reader.next();
                line.isPresent();
                line = reader.next()) {
            lines.add(
                    switch (line.get()) {
                        case LineReader.Line.Text(long number, byte[] bytes) ->
                                number + ":" + new String(bytes, StandardCharsets.UTF_8);
                        case LineReader.Line.TooLong(long number) -> number + " too long";
                    });
        }
        return lines;
    }

    /** So many zero bytes. */
    private static final class Zeros extends InputStream {
        private long left;

        Zeros(long count) {
            left = count;
        }

        @Override
        public int read() {
            return left-- > 0 ? 0 : -1;
        }

        @Override
        public int read(byte[] buffer, int offset, int length) {
            if (left <= 0) {
                return -1;
            }
            int count = (int) Math.min(left, length);
            left -= count;
            return count;
        }
    }
}
