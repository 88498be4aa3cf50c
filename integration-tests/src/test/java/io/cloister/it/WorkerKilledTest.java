// SPDX-License-Identifier: Apache-2.0
package io.cloister.it;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.cloister.nativeio.libc.LibC;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A worker that is killed, or told to end, leaves nothing on its host. */
@Timeout(120)
class WorkerKilledTest {
    /** Within which all must be gone. */
    private static final Duration GONE = Duration.ofSeconds(2);

    /** Ids of its own: whoever has one of them is a process of these tests. */
    private static final int FIRST_ID = 0x6000_0000;

    private static final int CONTAINERS = 2;

    /** One more, for a container that is made while another ends. */
    private static final int RANGES = CONTAINERS + 1;

    @TempDir Path directory;

    private Path temporary;
    private List<String> mounts;

    @BeforeEach
    void lookAtHost() throws IOException {
        assumeTrue(LibC.geteuid() == 0, "ranges of ids need root");
        temporary = Files.createDirectory(directory.resolve("tmp"));
        mounts = mounts();
    }

    /** Those of this process's namespace, which is the host's. */
    private static List<String> mounts() throws IOException {
        return Files.readAllLines(Path.of("/proc/self/mountinfo"));
    }

    /** There are hardly more ranges of ids than containers: the next worker uses the same. */
    private ChildJvm startWorker() throws Exception {
        ChildJvm child =
                ChildJvm.start(
                        WorkerProcess.class,
                        temporary,
                        Optional.empty(),
                        List.of(
                                "akka.coordinated-shutdown.run-by-jvm-shutdown-hook = on",
                                "cloister.containers { max = %d, warm = 1 }".formatted(CONTAINERS),
                                "cloister.uid-ranges { start = %d, count = %d, lock-file = \"%s\" }"
                                        .formatted(FIRST_ID, RANGES, directory.resolve("lock"))));
        assertThat(child.listen()).isEqualTo("started");
        assertThat(child.ask("idle")).isEqualTo("idle");
        return child;
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"idle", "creating", "configuring", "executing", "announced", "resetting"})
    void shouldLeaveNothingBehindWhenKilled(String phase) throws Exception {
        try (ChildJvm worker = startWorker()) {
            List<HostProcesses.Seen> processes = bringTo(worker, phase);

            worker.process().destroyForcibly();

            assertThat(worker.process().waitFor(10, TimeUnit.SECONDS)).isTrue();
            assertThat(worker.process().exitValue()).isEqualTo(128 + 9);
            assertNothingLeft(processes);
        }
        try (ChildJvm successor = startWorker()) {
            assertThat(successor.ask("run")).isEqualTo("hello");
        }
    }

    @Test
    void shouldDestroyAllContainersWhenToldToEnd() throws Exception {
        try (ChildJvm worker = startWorker()) {
            List<HostProcesses.Seen> processes = bringTo(worker, "executing");

            worker.terminate();

            assertThat(worker.process().waitFor(10, TimeUnit.SECONDS)).as(worker.log()).isTrue();
            assertThat(worker.process().exitValue()).isEqualTo(128 + 15);
            assertThat(HostProcesses.living(processes)).as("left at the worker's end").isEmpty();
            assertNothingLeft(processes);
        }
    }

    /** Returns the processes that there are then. */
    private static List<HostProcesses.Seen> bringTo(ChildJvm worker, String phase)
            throws Exception {
        assertThat(worker.ask(phase)).isEqualTo(phase);
        int sleeps =
                switch (phase) {
                    case "configuring" -> 1;
                    case "executing" -> 3; // the fourth is stopped, perhaps before it was one
                    default -> 0;
                };
        long pid = worker.process().pid();
        Waiting.until(() -> {
            List<HostProcesses.Seen> all = HostProcesses.descendants(pid);
            assertThat(all)
                    .filteredOn(seen -> seen.name().equals("sleep"))
                    .as("of %s", all)
                    .hasSizeGreaterThanOrEqualTo(sleeps);
            assertThat(all)
                    .extracting(HostProcesses.Seen::name)
                    .contains("cloister-zygote", "cloister-init");
        });
        return HostProcesses.descendants(pid);
    }

    private void assertNothingLeft(List<HostProcesses.Seen> processes) {
        Waiting.within(
                GONE,
                () -> {
                    assertThat(HostProcesses.living(processes)).isEmpty();
                    assertThat(HostProcesses.all(seen -> !seen.dead() && isOfThisTest(seen.uid())))
                            .as("with ids of containers")
                            .isEmpty();
                    assertThat(HostProcesses.all(WorkerKilledTest::isOrphan))
                            .as("inits without a zygote")
                            .isEmpty();
                    assertThat(mounts()).as("mounts").isSubsetOf(mounts);
                });
        try (Stream<Path> files = Files.list(temporary)) {
            assertThat(files).as("files left behind").isEmpty();
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    private static boolean isOfThisTest(long uid) {
        return uid >= FIRST_ID && uid < FIRST_ID + RANGES * 65_536L;
    }

    /** One whose ids were not mapped yet has those of its worker still. */
    private static boolean isOrphan(HostProcesses.Seen seen) {
        return !seen.dead() && seen.parent() == 1 && seen.name().startsWith("cloister-");
    }
}
