// SPDX-License-Identifier: Apache-2.0
package io.cloister.it;

import static org.assertj.core.api.Assertions.assertThat;

import io.cloister.it.judge.Main;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** {@code ./cloister judge --join}: the sample judge as a client of a running cluster. */
@Tag("beside")
@Timeout(value = 300, unit = TimeUnit.SECONDS)
class JudgeOnClusterTest {
    @TempDir Path directory;

    JudgeCluster newCluster() throws Exception {
        return new JudgeCluster(directory);
    }

    @Test
    void shouldJudgeOnTheWorkersOfACluster() throws Exception {
        try (JudgeCluster cluster = newCluster()) {
            cluster.worker(2);
            cluster.worker(2);
            String seed = cluster.seed().substring(cluster.seed().indexOf('@') + 1);
            judge(seed, "decompose", "--all-cases");
            judge(seed, "guess", "--submission", "wrong_answer/gives_up.py");
        }
    }

    private static void judge(String node, String problem, String... options) {
        List<String> arguments =
                new ArrayList<>(List.of("--join", node, "src/test/packages/" + problem));
        arguments.addAll(List.of(options));
        StringWriter out = new StringWriter();
        StringWriter err = new StringWriter();
        int code =
                Main.commandLine()
                        .setOut(new PrintWriter(out))
                        .setErr(new PrintWriter(err))
                        .execute(arguments.toArray(String[]::new));
        assertThat(code).as(out + "\n" + err).isEqualTo(0);
        assertThat(out.toString()).contains("every verdict as expected");
    }
}
