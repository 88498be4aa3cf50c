// SPDX-License-Identifier: Apache-2.0
package io.cloister.protocol.message;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.OptionalInt;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(value = 20, unit = TimeUnit.SECONDS)
class FailureTest {
    @ParameterizedTest
    @ValueSource(strings = {"x", "ä", "€", "😀", "\uD800", "\n", "\0", "a😀"})
    void shouldStayBelowFourKibibytesOfValidUtf8WhateverItIsGiven(String unit) {
        String flood = unit.repeat(100_000);
        Failure failure = Failure.ofErrno(Failure.Kind.SYSCALL, flood, flood, 1, flood, flood);

        int total = 0;
        for (String text : texts(failure)) {
            byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
            assertThat(new String(bytes, StandardCharsets.UTF_8)).isEqualTo(text);
            assertThat(text).endsWith("…[cut]").doesNotContain("\0");
            total += bytes.length;
        }
        assertThat(total).isLessThan(4096).isGreaterThan(3000);
    }

    @Test
    void shouldKeepWhatJustFits() {
        String fits = "x".repeat(Failure.MAX_MESSAGE_BYTES);

        assertThat(Failure.of(Failure.Kind.INTERNAL, fits).message()).isEqualTo(fits);
        assertThat(Failure.of(Failure.Kind.INTERNAL, fits + "x").message())
                .hasSize(Failure.MAX_MESSAGE_BYTES - 2)
                .endsWith("x…[cut]");
    }

    @Test
    void shouldNotChangeWhenMadeAgainOfItsOwnTexts() {
        String flood = "a😀\n".repeat(10_000);
        Failure failure = Failure.ofErrno(Failure.Kind.SYSCALL, flood, flood, 2, "ENOENT", flood);

        assertThat(
                        new Failure(
                                failure.kind(),
                                failure.step(),
                                failure.subject(),
                                failure.errno(),
                                failure.errnoName(),
                                failure.message()))
                .isEqualTo(failure);
    }

    @Test
    void shouldLetNoControlCharactersReachATerminal() {
        Failure failure =
                Failure.of(Failure.Kind.NOT_FOUND, "a\n\u001B[2J", "line\n\ttab\u001B[2J\u009B");

        assertThat(failure.subject()).isEqualTo("a\uFFFD\uFFFD[2J");
        assertThat(failure.message()).isEqualTo("line\n\ttab\uFFFD[2J\uFFFD");
    }

    @ParameterizedTest
    @ValueSource(ints = {0, -1, 4096, Integer.MIN_VALUE})
    void shouldDropANumberThatIsNoErrno(int number) {
        assertThat(Failure.ofErrno(Failure.Kind.SYSCALL, "s", "", number, "", "m").errno())
                .isEqualTo(OptionalInt.empty());
    }

    @Test
    void shouldDescribeItselfInWords() {
        assertThat(
                        Failure.ofErrno(
                                        Failure.Kind.SYSCALL,
                                        "bind /usr on /usr",
                                        "/usr",
                                        1,
                                        "EPERM",
                                        "Operation not permitted")
                                .describe())
                .isEqualTo("bind /usr on /usr: EPERM: Operation not permitted");
        assertThat(Failure.of(Failure.Kind.BUSY, "").describe()).isEqualTo("BUSY");
        assertThat(Failure.of(Failure.Kind.NOT_FOUND, "/x", "no such file").describe())
                .isEqualTo("/x: no such file");
    }

    @Test
    void shouldGiveEachKindACodeOfItsOwn() {
        assertThat(Arrays.stream(Failure.Kind.values()).map(Failure.Kind::code))
                .doesNotHaveDuplicates();
    }

    private static String[] texts(Failure failure) {
        return new String[] {
            failure.step(), failure.subject(), failure.errnoName(), failure.message()
        };
    }
}
