// SPDX-License-Identifier: Apache-2.0
package io.cloister.it;

import static org.assertj.core.api.Assertions.assertThat;

import io.cloister.protocol.run.ProgramOutcome;
import io.cloister.protocol.run.Status;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.extension.TestInstancePostProcessor;
import org.junit.jupiter.api.io.TempDir;

/**
 * The tests of the commands once more, with containers of the service. What crosses the socket are
 * requests with descriptors, announcements, kills and answers: all tests whose subject these are
 * run again. In what way a program comes to a limit is between it and the kernel, which limits and
 * counts the same on either side of a socket: each limit is reached in one way, and not on another
 * kernel again.
 */
@Tag(OverSocketTest.TAG)
class OverSocketTest {
    static final String TAG = "socket";

    @TempDir private static Path directory;

    @RegisterExtension
    private static final TestInstancePostProcessor OVER_SOCKET =
            (test, context) -> {
                if (test instanceof WorkerTest commands) {
                    commands.startBy(
                            settings -> Worker.startOverSocket(directory.resolve("s"), settings));
                }
            };

    @Nested
    class Ping extends PingTest {}

    @Nested
    class Open extends OpenTest {}

    @Nested
    class Delete extends DeleteTest {}

    @Nested
    class Reset extends ResetTest {}

    @Nested
    class Execve extends ExecveTest {}

    @Nested
    class Streams extends StreamsTest {}

    @Nested
    class Limits extends LimitsTest {
        @Override
        List<String> burners() {
            return List.of("burn-in-children");
        }

        @Override
        List<String> touchers() {
            return List.of("touch");
        }

        @Override
        @Test
        void shouldKeepAProgramOnItsCores() {
            ProgramOutcome outcome = run(limits().cpuSet("0"), "cores");
            assertThat(outcome.status()).isEqualTo(Status.INTERNAL_ERROR);
            assertThat(outcome.failure().orElseThrow().message()).contains("leave the CPU set out");
        }
    }

    @Nested
    class Runs extends RunServiceTest {}
}
