// SPDX-License-Identifier: Apache-2.0
package io.cloister.nativeio.init;

import static org.assertj.core.api.Assertions.assertThat;

import io.cloister.nativeio.testkit.Command;
import io.cloister.nativeio.testkit.Skip;
import io.cloister.nativeio.testkit.TestJvm;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Zygote and init of a user without any privilege. */
@Timeout(90)
class RootlessTest {

    @TempDir private Path directory;

    @Test
    void shouldServeAnOrdinaryUser() throws Exception {
        var obstacle = TestJvm.whyNotOrdinary();
        Skip.when(obstacle.isPresent(), obstacle.orElse(""));
        Skip.when(areUserNamespacesOff(), "this kernel gives ordinary users no user namespace");
        TestJvm jvm = TestJvm.ofOrdinaryUser(directory);

        Command.Result result =
                Command.run(directory, Duration.ofSeconds(60), jvm.command(RootlessMain.class));

        assertThat(result.orFail().lines()).last().isEqualTo("done");
    }

    /** The two switches that distributions have; what else forbids them is a failure. */
    private static boolean areUserNamespacesOff() throws Exception {
        for (String[] off :
                List.of(
                        new String[] {"/proc/sys/user/max_user_namespaces", "0"},
                        new String[] {"/proc/sys/kernel/unprivileged_userns_clone", "0"},
                        new String[] {
                            "/proc/sys/kernel/apparmor_restrict_unprivileged_userns", "1"
                        })) {
            Path file = Path.of(off[0]);
            if (Files.exists(file) && Files.readString(file).trim().equals(off[1])) {
                return true;
            }
        }
        return false;
    }
}
