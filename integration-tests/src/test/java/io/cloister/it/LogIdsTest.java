// SPDX-License-Identifier: Apache-2.0
package io.cloister.it;

import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.AppenderBase;
import io.cloister.protocol.run.Program;
import io.cloister.protocol.run.Run;
import io.cloister.protocol.run.RunResult;
import io.cloister.protocol.run.Status;
import io.cloister.protocol.unit.ByteSize;
import io.cloister.supervisor.observe.RunIds;
import io.cloister.supervisor.run.RunService;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.slf4j.LoggerFactory;

/** Log lines of a real worker have the ids of the run and the container that they are about. */
@Timeout(value = 120, unit = TimeUnit.SECONDS)
class LogIdsTest {
    private final Logger logger = (Logger) LoggerFactory.getLogger("io.cloister.supervisor");
    private final List<ILoggingEvent> lines = new CopyOnWriteArrayList<>();
    private final AppenderBase<ILoggingEvent> appender =
            new AppenderBase<>() {
                @Override
                protected void append(ILoggingEvent line) {
                    line.getMDCPropertyMap(); // of the thread that logs
                    lines.add(line);
                }
            };
    private Level level;

    @BeforeEach
    void listen() {
        level = logger.getLevel();
        logger.setLevel(Level.DEBUG);
        logger.setAdditive(false);
        appender.start();
        logger.addAppender(appender);
    }

    @AfterEach
    void stopListening() {
        logger.detachAppender(appender);
        logger.setAdditive(true);
        logger.setLevel(level);
    }

    @Test
    void shouldNameRunAttemptAndContainer() {
        int init;
        try (Worker worker = Worker.start("cloister.containers { max = 1, warm = 1 }")) {
            init = (int) worker.oneInit();
            lines.clear();
            Run run =
                    Run.of(
                            "run",
                            Program.of("/bin/sh", "-c", "echo started; sleep 1000")
                                    .collect(ByteSize.ofKiB(1))
                                    .build());
            CompletionStage<RunResult> result =
                    worker.ask(
                            worker.runs(),
                            replyTo ->
                                    new RunService.Submit(
                                            run, Map.of(), new RunIds("tenant/7", 3), replyTo));
            Waiting.until(() -> assertThat(Processes.children(init)).isNotEmpty());
            Processes.signal(init, Processes.SIGKILL);
            assertThat(Worker.await(result).results().getFirst().status())
                    .isEqualTo(Status.INTERNAL_ERROR);
            worker.awaitCalm();
        }

        ILoggingEvent destroyed =
                lines.stream()
                        .filter(line -> line.getLevel() == Level.WARN)
                        .findFirst()
                        .orElseThrow();
        assertThat(destroyed.getFormattedMessage()).contains("container " + init + " is destroyed");
        assertThat(destroyed.getMDCPropertyMap())
                .isEqualTo(
                        Map.of(
                                "run", "tenant/7",
                                "attempt", "3",
                                "container", String.valueOf(init)));
        assertThat(lines)
                .filteredOn(line -> line.getFormattedMessage().startsWith("container "))
                .hasSizeGreaterThan(2) // the listings of programs, too
                .allMatch(line -> line.getMDCPropertyMap().containsKey("container"));
        assertThat(lines)
                .filteredOn(line -> line.getFormattedMessage().contains("runs execve"))
                .hasSize(1)
                .allMatch(line -> "tenant/7".equals(line.getMDCPropertyMap().get("run")));
    }
}
