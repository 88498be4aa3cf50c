// SPDX-License-Identifier: Apache-2.0
package io.cloister.nativeio.cgroup;

import static org.assertj.core.api.Assertions.assertThat;

import io.cloister.nativeio.libc.LibC;
import io.cloister.nativeio.testkit.Command;
import io.cloister.nativeio.testkit.Skip;
import io.cloister.nativeio.testkit.TestJvm;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Control groups of ordinary users: none, unless they were given some. */
@Tag("cgroup")
@Timeout(300)
class RootlessCgroupsTest {
    private static final Duration LIMIT = Duration.ofMinutes(4);

    @TempDir private static Path directory;
    private static TestJvm jvm;

    /** What an ordinary user's worker finds, and one run in it. */
    static final class Worker {
        private Worker() {}

        public static void main(String[] arguments) throws IOException {
            try (Cgroups cgroups = Cgroups.detect(CgroupSettings.AUTO)) {
                System.out.println("version " + cgroups.version());
                System.out.println("uses " + cgroups.describe());
                ContainerCgroup container = cgroups.create("one");
                try (CgroupRun run = container.begin(TestLimits.memory(1 << 26))) {
                    System.out.println("killed " + run.end().oomKills());
                }
                container.remove();
            }
        }
    }

    /** Once: the emulated machine takes long to copy the class path. */
    @BeforeAll
    static void prepare() throws IOException {
        var obstacle = TestJvm.whyNotOrdinary();
        Skip.when(obstacle.isPresent(), obstacle.orElse(""));
        jvm = TestJvm.ofOrdinaryUser(directory);
    }

    private static Command.Result work(List<String> prefix) throws Exception {
        List<String> command = new ArrayList<>(prefix);
        command.addAll(jvm.command(Worker.class));
        return Command.run(directory, LIMIT, command).orFail();
    }

    @Test
    void shouldDoWithoutWhereNoneAreGiven() throws Exception {
        Skip.when(LibC.geteuid() != 0, "what this user was given is not known");

        List<String> lines = work(List.of()).lines();

        assertThat(lines).contains("version NONE", "killed 0");
        assertThat(used(lines)).containsAnyOf("this user may not", "no controllers");
    }

    @Test
    void shouldUseAGroupThatIsDelegated() throws Exception {
        Skip.when(LibC.geteuid() != 0, "only root may delegate");
        try (V2Cgroups cgroups = version2()) {
            Path unit = cgroups.directory().resolve("unit");
            Groups.make(unit);
            try {
                for (String file : List.of("", Groups.PROCS, "cgroup.subtree_control")) {
                    Files.setAttribute(unit.resolve(file), "unix:uid", TestJvm.ORDINARY_ID);
                }
                String enter = "echo $$ > " + unit + "/cgroup.procs; exec \"$@\"";

                List<String> lines = work(List.of("sh", "-c", enter, "sh")).lines();

                assertThat(lines).contains("version V2", "killed 0");
                assertThat(used(lines)).contains(unit.toString());
                assertThat(Groups.children(unit)).containsExactly(unit.resolve("cloister-worker"));
            } finally {
                Groups.remove(unit);
            }
        }
    }

    /** There may be other lines: the log's, about what earlier workers have left. */
    private static String used(List<String> lines) {
        return lines.stream().filter(line -> line.startsWith("uses ")).findAny().orElseThrow();
    }

    private static V2Cgroups version2() {
        try {
            return (V2Cgroups)
                    Cgroups.detect(new CgroupSettings(CgroupSettings.Mode.V2, Optional.empty()));
        } catch (IOException e) {
            Skip.when(true, "no cgroup v2: " + e.getMessage());
            throw new AssertionError(e);
        }
    }
}
