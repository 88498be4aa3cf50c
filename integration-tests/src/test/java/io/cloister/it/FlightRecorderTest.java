// SPDX-License-Identifier: Apache-2.0
package io.cloister.it;

import static org.assertj.core.api.Assertions.assertThat;

import io.cloister.protocol.run.Limits;
import io.cloister.protocol.run.Program;
import io.cloister.protocol.run.ProgramOutcome;
import io.cloister.protocol.run.Run;
import io.cloister.protocol.run.RunResult;
import io.cloister.supervisor.observe.RunIds;
import io.cloister.supervisor.run.RunService;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.TimeUnit;
import jdk.jfr.Recording;
import jdk.jfr.consumer.RecordedEvent;
import jdk.jfr.consumer.RecordingFile;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A recording of a worker shows its runs and containers, phase by phase. */
@Timeout(value = 120, unit = TimeUnit.SECONDS)
class FlightRecorderTest {
    private static final String PREFIX = "io.cloister.";

    @TempDir private Path directory;

    private List<RecordedEvent> record(String settings, ThrowingConsumer work) throws IOException {
        Path file = directory.resolve("recording.jfr");
        try (Recording recording = new Recording()) {
            recording.start();
            try (Worker worker = Worker.start(settings)) {
                work.accept(worker);
                worker.awaitCalm();
            }
            recording.stop();
            recording.dump(file);
        }
        return RecordingFile.readAllEvents(file).stream()
                .filter(event -> event.getEventType().getName().startsWith(PREFIX))
                .toList();
    }

    @FunctionalInterface
    private interface ThrowingConsumer {
        void accept(Worker worker);
    }

    private static List<RecordedEvent> named(List<RecordedEvent> events, String name) {
        return events.stream()
                .filter(event -> event.getEventType().getName().equals(PREFIX + name))
                .toList();
    }

    private static RecordedEvent only(List<RecordedEvent> events, String name) {
        assertThat(named(events, name)).as(name).hasSize(1);
        return named(events, name).getFirst();
    }

    @Test
    void shouldShowThePhasesOfARunInOrderWithItsIds() throws IOException {
        List<RecordedEvent> events =
                record(
                        "cloister.containers { max = 1, warm = 1 }",
                        worker -> {
                            Run run = Run.of("its own id", Program.of("/bin/true").build());
                            CompletionStage<RunResult> result =
                                    worker.ask(
                                            worker.runs(),
                                            replyTo ->
                                                    new RunService.Submit(
                                                            run,
                                                            Map.of(),
                                                            new RunIds("tenant/7", 3),
                                                            replyTo));
                            Worker.await(result);
                        });

        RecordedEvent run = only(events, "Run");
        RecordedEvent setUp = only(events, "SetUp");
        RecordedEvent exec = only(events, "Exec");
        RecordedEvent reap = only(events, "Reap");
        RecordedEvent reset = only(events, "Reset");
        for (RecordedEvent each : List.of(run, setUp, exec, reap)) {
            assertThat(each.getString("run")).isEqualTo("tenant/7");
            assertThat(each.getInt("attempt")).isEqualTo(3);
        }
        assertThat(run.getString("status")).isEqualTo("OK");
        assertThat(exec.getString("status")).isEqualTo("OK");
        assertThat(reset.getString("status")).isEqualTo("DONE");

        assertThat(run.getStartTime()).isBeforeOrEqualTo(setUp.getStartTime());
        assertThat(setUp.getEndTime()).isBeforeOrEqualTo(exec.getStartTime());
        assertThat(exec.getEndTime()).isBeforeOrEqualTo(reap.getStartTime());
        assertThat(reap.getStartTime()).isBeforeOrEqualTo(run.getEndTime());
        assertThat(exec.getEndTime()).isBeforeOrEqualTo(reset.getStartTime());

        RecordedEvent create = only(events, "ContainerCreate");
        RecordedEvent configure = only(events, "ContainerConfigure");
        RecordedEvent retire = only(events, "ContainerRetire");
        int container = create.getInt("container");
        assertThat(container).isPositive();
        for (RecordedEvent each : List.of(configure, setUp, exec, reap, reset, retire)) {
            assertThat(each.getInt("container")).isEqualTo(container);
        }
        assertThat(create.getEndTime()).isBeforeOrEqualTo(configure.getStartTime());
        assertThat(configure.getEndTime()).isBeforeOrEqualTo(exec.getStartTime());
        assertThat(reset.getEndTime()).isBeforeOrEqualTo(retire.getStartTime());
        assertThat(retire.getString("reason")).isEqualTo("SHUTDOWN");
        assertThat(retire.getInt("leases")).isEqualTo(1);
        assertThat(exec.getLong("lease")).isEqualTo(reset.getLong("lease"));
        assertThat(exec.getLong("lease")).isEqualTo(setUp.getLong("lease"));
    }

    @Test
    void shouldSayWhatBecameOfAProgramAndHowLongItTook() throws IOException {
        ProgramOutcome[] outcome = new ProgramOutcome[1];
        List<RecordedEvent> events =
                record(
                        "cloister.containers { max = 1, warm = 1 }",
                        worker ->
                                outcome[0] =
                                        worker.run(
                                                Program.of("/bin/sleep", "30")
                                                        .limits(
                                                                Limits.builder()
                                                                        .wallTime(
                                                                                Duration.ofMillis(
                                                                                        100))
                                                                        .build())));

        RecordedEvent exec = only(events, "Exec");
        assertThat(exec.getString("run")).isEqualTo("run");
        assertThat(exec.getString("status")).isEqualTo("TIME_LIMIT");
        assertThat(exec.getDuration("wallTime")).isEqualTo(outcome[0].wallTime());
        assertThat(exec.getDuration("setUpTime")).isEqualTo(outcome[0].setUpTime());
        assertThat(exec.getDuration("cpuTime")).isEqualTo(outcome[0].usage().cpuTime());
        assertThat(exec.getDuration())
                .isGreaterThanOrEqualTo(exec.getDuration("setUpTime").plus(outcome[0].wallTime()));
        assertThat(only(events, "Run").getString("status")).isEqualTo("TIME_LIMIT");
    }

    @Test
    void shouldShowWhyContainersAreRetired() throws IOException {
        List<RecordedEvent> events =
                record(
                        "cloister.containers { max = 1, warm = 1, max-uses = 2 }",
                        worker -> {
                            for (int i = 0; i < 3; i++) {
                                worker.run(Program.of("/bin/true"));
                            }
                            worker.awaitCalm();
                            try (Leased leased = worker.acquire()) {
                                Processes.signal(leased.initPid(), Processes.SIGKILL);
                                leased.awaitEnd();
                            }
                        });

        assertThat(named(events, "ContainerRetire"))
                .extracting(event -> event.getString("reason"))
                .containsExactlyInAnyOrder(
                        "USED", "LOST", "SHUTDOWN"); // recorded by several threads
        assertThat(named(events, "ContainerCreate")).hasSize(3);
        assertThat(named(events, "Reset")).hasSize(2);
    }
}
