// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.cloister.nativeio.fd.Terminals;
import java.io.PrintWriter;
import java.io.StringWriter;
import org.junit.jupiter.api.Test;

class ScreenTest {
    private final StringWriter written = new StringWriter();

    private Screen screen(int rows, int columns) {
        return new Screen(new PrintWriter(written), () -> new Terminals.Size(rows, columns));
    }

    private String seen() {
        return written.toString().replace("\u001b", "^");
    }

    @Test
    void shouldWriteOverWhatWasThereWithoutClearingFirst() {
        screen(10, 80).show("one\ntwo\n");

        assertThat(seen()).isEqualTo("^[Hone^[K\r\ntwo^[K^[J");
    }

    @Test
    void shouldCutToTheWindow() {
        screen(2, 4).show("──────\nab\nthird\n");

        assertThat(seen()).isEqualTo("^[H────^[K\r\nab^[K^[J");
    }

    @Test
    void shouldLeaveTheTerminalAsItWasOnce() {
        try (Screen screen = screen(2, 4)) {
            screen.enter();
            screen.close();
            screen.show("late");
        }

        assertThat(seen()).isEqualTo("^[?1049h^[?25l^[?25h^[?1049l");
    }
}
