// SPDX-License-Identifier: Apache-2.0
package io.cloister.nativeio.libc;

import static org.assertj.core.api.Assertions.assertThat;

import io.cloister.nativeio.testkit.Command;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(60)
class ErrnoTest {

    @Test
    void shouldTellNameAndWords() {
        assertThat(Errno.EPERM.toString()).isEqualTo("EPERM (Operation not permitted)");
        assertThat(Errno.ENOENT.message()).isEqualTo("No such file or directory");
        assertThat(new Errno(Linux.ENFILE).symbol()).isEqualTo("ENFILE");
    }

    @Test
    void shouldHaveTheNamesAndWordsOfTheCLibrary(@TempDir Path directory) throws Exception {
        Path source =
                Files.writeString(
                        directory.resolve("names.c"),
                        """
                        #define _GNU_SOURCE
                        #include <stdio.h>
                        #include <string.h>
                        int main(void)
                        {
                            for (int i = 1; i < 200; i++)
                                if (strerrorname_np(i))
                                    printf("%d %s %s\\n", i, strerrorname_np(i), strerrordesc_np(i));
                            return 0;
                        }
                        """);
        Path program = directory.resolve("names");
        Duration limit = Duration.ofSeconds(30);
        Command.run(directory, limit, List.of("cc", "-o", program.toString(), source.toString()))
                .orFail();

        int named = 0;
        for (String line : Command.run(directory, limit, List.of(program.toString())).lines()) {
            String[] words = line.split(" ", 3);
            Errno errno = new Errno(Integer.parseInt(words[0]));
            if (!errno.symbol().startsWith("errno ")) {
                assertThat(errno.symbol()).isEqualTo(words[1]);
                named++;
            }
            assertThat(errno.message()).isEqualTo(words[2]);
        }
        assertThat(named).isGreaterThan(55);
    }

    @Test
    void shouldGiveANumberToWhatHasNoName() {
        assertThat(new Errno(3999).toString()).isEqualTo("errno 3999 (unknown error)");
        assertThat(new Errno(-1).symbol()).isEqualTo("errno -1");
    }

    @ParameterizedTest
    @ValueSource(longs = {0, 1, Long.MAX_VALUE, -4096, -4097, Long.MIN_VALUE})
    void shouldSeeNoErrorInOtherResults(long result) {
        assertThat(Errno.ofResult(result)).isEqualTo(Errno.NONE);
    }

    @Test
    void shouldSeeTheErrorsOfRawResults() {
        assertThat(Errno.ofResult(-1)).isEqualTo(Errno.EPERM);
        assertThat(Errno.ofResult(-4095)).isEqualTo(new Errno(4095));
    }

    @Test
    void shouldReadTheErrorOfTheLastCallOfThisThread() {
        assertThat(LibC.close(-1)).isEqualTo(-1);
        assertThat(LibC.errno()).isEqualTo(Errno.EBADF);
    }
}
