// SPDX-License-Identifier: Apache-2.0
package io.cloister.protocol.check;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(value = 20, unit = TimeUnit.SECONDS)
class CheckTest {
    @ParameterizedTest
    @ValueSource(strings = {"/", "/a", "/a/b.c", "/...", "/.a", "/a..", "/ä ö/\n", "/a b"})
    void shouldAcceptAbsoluteNormalisedPaths(String path) {
        assertThat(Check.absolutePath("path", path)).isEqualTo(path);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "a",
                "./a",
                "../a",
                "//",
                "//a",
                "/a/",
                "/a//b",
                "/.",
                "/..",
                "/a/.",
                "/a/..",
                "/a/../b",
                "/a/./b",
                "/../../x",
                "/a\0b",
                "/\uD800"
            })
    void shouldRefuseOtherPathsAsAbsolute(String path) {
        assertThatThrownBy(() -> Check.absolutePath("path", path))
                .isInstanceOf(InvalidRequest.class)
                .hasMessageContaining("path");
    }

    @ParameterizedTest
    @ValueSource(strings = {"a", "a/b", "/a/b", ".a", "..."})
    void shouldAcceptPathsInside(String path) {
        assertThat(Check.pathInside("path", path)).isEqualTo(path);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"", "/", ".", "..", "a/", "a//b", "../a", "a/..", "a/../../b", "/a/../b"})
    void shouldRefusePathsThatClimbOrNameNothing(String path) {
        assertThatThrownBy(() -> Check.pathInside("path", path)).isInstanceOf(InvalidRequest.class);
    }

    @Test
    void shouldBoundPathsAndTheirComponentsInBytes() {
        String longest = ("/" + "x".repeat(254)).repeat(16) + "/" + "y".repeat(14);
        assertThat(longest).hasSize(Check.MAX_PATH_BYTES);
        assertThat(Check.absolutePath("path", longest)).isEqualTo(longest);
        assertThatThrownBy(() -> Check.absolutePath("path", longest + "y"))
                .isInstanceOf(InvalidRequest.class)
                .hasMessageContaining("4095");
        assertThat(Check.absolutePath("path", "/" + "ä".repeat(127))).isNotEmpty();
        assertThatThrownBy(() -> Check.absolutePath("path", "/" + "ä".repeat(128)))
                .isInstanceOf(InvalidRequest.class)
                .hasMessageContaining("255");
    }

    @Test
    void shouldCountBytesAsTheEncoderDoes() {
        String text = "a\u007F\u0080\u07FF\u0800\uFFFF\uD83D\uDE00";
        assertThat(Check.utf8Length("text", text))
                .isEqualTo(text.getBytes(StandardCharsets.UTF_8).length);
    }

    @ParameterizedTest
    @ValueSource(strings = {"a\0", "\uD800", "\uDC00", "\uDC00\uD800", "a\uD83D"})
    void shouldRefuseTextWithoutAKernelForm(String text) {
        assertThatThrownBy(() -> Check.text("text", text, 100)).isInstanceOf(InvalidRequest.class);
    }

    @Test
    void shouldQuoteHostileTextHarmlesslyAndShortly() {
        assertThat(Check.quoted("a\n\u001B[31m\uD800")).isEqualTo("\"a\\u000a\\u001b[31m\\ud800\"");
        assertThat(Check.quoted("x".repeat(10_000))).hasSize(83).endsWith("…\"");
    }

    @Test
    void shouldRefuseEnvironmentEntriesWithoutAName() {
        assertThat(Check.environment("environment", List.of("A=", "B=b=c"), 2)).hasSize(2);
        for (String entry : new String[] {"", "A", "=A", "A\0=b"}) {
            assertThatThrownBy(() -> Check.environment("environment", List.of(entry), 10))
                    .isInstanceOf(InvalidRequest.class);
        }
    }
}
