// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.cloister.supervisor.cli.TextTable.Column;
import org.junit.jupiter.api.Test;

class TextTableTest {
    @Test
    void shouldAlignColumnsByTheirWidestCell() {
        TextTable table =
                new TextTable(Column.left("name"), Column.right("CPU"), Column.left("why"));
        table.row("a", "1.00 s", "");
        table.row("longer", "5 ms", "it is ✓");

        assertThat(table.render())
                .isEqualTo(
                        """
                        name       CPU  why
                        ──────  ──────  ───────
                        a       1.00 s
                        longer    5 ms  it is ✓
                        """);
    }

    @Test
    void shouldRefuseARowOfAnotherLength() {
        TextTable table = new TextTable(Column.left("one"));
        assertThatThrownBy(() -> table.row("1", "2")).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void shouldWrapLongTextBelowItsHeading() {
        StringBuilder out = new StringBuilder();
        TextTable.wrap(out, "✗  name  ", "one two three four", 16);
        TextTable.wrap(out, "-  name  ", "averyverylongword x", 16);
        TextTable.wrap(out, "·  name  ", "", 16);
        assertThat(out.toString())
                .isEqualTo(
                        """
                        ✗  name  one two
                                 three
                                 four
                        -  name  averyverylongword
                                 x
                        ·  name
                        """);
    }
}
