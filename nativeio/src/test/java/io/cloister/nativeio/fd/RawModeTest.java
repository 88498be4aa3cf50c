// SPDX-License-Identifier: Apache-2.0
package io.cloister.nativeio.fd;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(value = 20, unit = TimeUnit.SECONDS)
class RawModeTest {
    @Test
    void shouldPassOnEveryKeyUntilItIsClosed() throws IOException {
        try (Fd master = Terminals.open();
                Fd slave = Terminals.slave(master, 24, 80)) {
            type(master, "a");
            assertThat(shown(master, 1)).isEqualTo("a"); // echoed
            try (RawMode raw = RawMode.of(slave.number()).orElseThrow()) {
                type(master, "\003b");
                assertThat(shown(slave, 3)).isEqualTo("a\003b"); // though no line has ended
                assertThat(master.isReadable()).isFalse(); // no echo
                raw.close(); // twice
            }
            type(master, "c");
            assertThat(shown(master, 1)).isEqualTo("c");
        }
    }

    @Test
    void shouldTellASizeAndChangeIt() throws IOException {
        try (Fd master = Terminals.open();
                Fd slave = Terminals.slave(master, 50, 120)) {
            assertThat(Terminals.size(slave.number())).contains(new Terminals.Size(50, 120));
            Terminals.resize(master, new Terminals.Size(1000, 1));
            assertThat(Terminals.size(slave.number())).contains(new Terminals.Size(1000, 1));
        }
    }

    @Test
    void shouldFindNoTerminalInAPipe() throws IOException {
        try (Pipe pipe = Pipe.open("nothing")) {
            assertThat(RawMode.of(pipe.readEnd().number())).isEqualTo(Optional.empty());
            assertThat(Terminals.size(pipe.readEnd().number())).isEmpty();
        }
    }

    private static void type(Fd master, String keys) throws IOException {
        master.write(keys.getBytes(StandardCharsets.US_ASCII));
    }

    /** The kernel passes keys on by a thread of its own. */
    private static void awaitReadable(Fd fd) throws IOException {
        while (!fd.isReadable()) {
            Thread.onSpinWait();
        }
    }

    /** So many characters, however many come at a time. */
    private static String shown(Fd terminal, int count) throws IOException {
        ByteBuffer bytes = ByteBuffer.allocateDirect(count);
        while (bytes.hasRemaining()) {
            awaitReadable(terminal);
            terminal.readSome(bytes);
        }
        return StandardCharsets.US_ASCII.decode(bytes.flip()).toString();
    }
}
