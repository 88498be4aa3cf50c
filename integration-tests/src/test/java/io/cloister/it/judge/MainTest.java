// SPDX-License-Identifier: Apache-2.0
package io.cloister.it.judge;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

/** The command as people and scripts use it, on a package in shell, which every machine has. */
@Timeout(value = 120, unit = TimeUnit.SECONDS)
class MainTest {
    private static final ObjectMapper MAPPER = new ObjectMapper();

    @TempDir private Path directory;

    private record Ended(int code, String out, String err) {
        List<JsonNode> lines() throws IOException {
            List<JsonNode> lines = new ArrayList<>();
            for (String line : out.lines().toList()) {
                lines.add(MAPPER.readTree(line));
            }
            return lines;
        }
    }

    @BeforeEach
    void writeAPackage() throws IOException {
        write("problem.yaml", "name: Echo\nlimits: {time_limit: 5, code: 1}\n");
        write("data/secret/1.in", "one\n");
        write("data/secret/1.ans", "one\n");
        write("data/secret/2.in", "two\n");
        write("data/secret/2.ans", "two\n");
        write("submissions/accepted/echo.sh", "cat\n");
        write("submissions/wrong_answer/one.sh", "echo one\n");
    }

    private void write(String file, String text) throws IOException {
        Path path = directory.resolve(file);
        Files.createDirectories(path.getParent());
        Files.writeString(path, text);
    }

    private Ended judge(String... arguments) {
        List<String> all = new ArrayList<>(List.of(arguments));
        all.add(directory.toString());
        return run(all.toArray(String[]::new));
    }

    private static Ended run(String... arguments) {
        StringWriter out = new StringWriter();
        StringWriter err = new StringWriter();
        CommandLine command =
                Main.commandLine().setOut(new PrintWriter(out)).setErr(new PrintWriter(err));
        return new Ended(command.execute(arguments), out.toString(), err.toString());
    }

    @Test
    void shouldPrintALineOfJsonForEachSubmission() throws Exception {
        Ended ended = judge("--json");
        assertThat(ended.code()).as(ended.err()).isEqualTo(0);
        List<JsonNode> lines = ended.lines();
        assertThat(lines).hasSize(2);
        assertThat(lines.getFirst().toString().replaceAll("\\d{3,}", "N"))
                .isEqualTo(
                        """
                        {"submission":"accepted/echo.sh","language":"bash","verdict":"AC",\
                        "expected":["AC"],"asExpected":true,"cases":[\
                        {"case":"secret/1","verdict":"AC","cpuTimeNanos":N},\
                        {"case":"secret/2","verdict":"AC","cpuTimeNanos":N}]}\
                        """);
        assertThat(lines.getLast().toString().replaceAll("\\d{3,}", "N"))
                .isEqualTo(
                        """
                        {"submission":"wrong_answer/one.sh","language":"bash","verdict":"WA",\
                        "expected":["WA"],"asExpected":true,"cases":[\
                        {"case":"secret/1","verdict":"AC","cpuTimeNanos":N},\
                        {"case":"secret/2","verdict":"WA","cpuTimeNanos":N}]}\
                        """);
    }

    @Test
    void shouldFailWhenAVerdictIsNotAsExpected() throws IOException {
        write("submissions/accepted/wrong.sh", "echo two\n");
        Ended ended = judge();
        assertThat(ended.code()).isEqualTo(1);
        assertThat(ended.out())
                .containsPattern("✗ +accepted/wrong.sh +bash +AC +WA +line 1: expected 'one'")
                .containsPattern("✓ +wrong_answer/one.sh")
                .contains("1 with another verdict than expected");
    }

    @Test
    void shouldJudgeOneSubmission() throws Exception {
        assertThat(judge("--json", "--submission", "wrong_answer/one.sh").lines())
                .extracting(line -> line.path("submission").asText())
                .containsExactly("wrong_answer/one.sh");
        Path own = directory.resolve("mine.sh");
        Files.writeString(own, "exit 3\n");
        Ended ended = judge("--json", "--submission", own.toString());
        assertThat(ended.code()).isEqualTo(1);
        JsonNode line = ended.lines().getFirst();
        assertThat(line.path("submission").asText()).isEqualTo(own.toString());
        assertThat(line.path("verdict").asText()).isEqualTo("RTE");
        assertThat(line.path("expected").toString()).isEqualTo("[\"AC\"]");
        assertThat(line.path("asExpected").asBoolean(true)).isFalse();
    }

    @Test
    void shouldSayWhyASubmissionCannotBeJudged() throws Exception {
        write("submissions/accepted/notes.txt", "nothing to run\n");
        write("submissions/accepted/long.sh", "#".repeat(2000));
        Ended ended = judge("--json");
        assertThat(ended.code()).isEqualTo(1);
        assertThat(ended.lines())
                .extracting(line ->
                        line.path("submission").asText() + " " + line.path("verdict").asText())
                .containsExactly(
                        "accepted/echo.sh AC",
                        "accepted/long.sh CE",
                        "accepted/notes.txt JE",
                        "wrong_answer/one.sh WA");
        assertThat(judge("--submission", "accepted/notes.txt").out())
                .contains("no file of notes.txt is in a known language");
    }

    @Test
    void shouldTakeLanguagesFromAFile() throws Exception {
        write("submissions/accepted/echo.echo", "");
        write(
                "languages.conf",
                """
                judge.languages.echo {
                  name = Echo, extensions = [echo], priority = 99, needs = [cat], run = [cat]
                }
                """);
        String config = directory.resolve("languages.conf").toString();
        Ended ended = judge("--json", "--config", config, "--submission", "accepted/echo.echo");
        assertThat(ended.code()).as(ended.err()).isEqualTo(0);
        assertThat(ended.lines().getFirst().path("language").asText()).isEqualTo("echo");
    }

    @Test
    void shouldNameTheFileOfABadPackage() throws IOException {
        Files.delete(directory.resolve("data/secret/2.ans"));
        Ended ended = judge();
        assertThat(ended.code()).isEqualTo(1);
        assertThat(ended.err()).startsWith("judge: ").contains("2.ans: missing");
        assertThat(ended.out()).isEmpty();
    }

    @Test
    void shouldSayThatAValidatorDoesNotCompile() throws IOException {
        write("problem.yaml", "validation: custom\n");
        write("output_validators/check.sh", "while\n");
        Ended ended = judge();
        assertThat(ended.code()).isEqualTo(1);
        assertThat(ended.err()).contains("check.sh: the validator does not compile");
    }

    @Test
    void shouldTellAWrongCommandLineApart() {
        assertThat(run().code()).isEqualTo(2);
        assertThat(run(directory.resolve("nowhere").toString()).code()).isEqualTo(2);
        assertThat(judge("--submission", "nothing.sh").code()).isEqualTo(2);
        assertThat(judge("--jobs", "0").code()).isEqualTo(2);
        assertThat(judge("--config", "nothing.conf").code()).isEqualTo(2);
        assertThat(judge("--colour").code()).isEqualTo(2);
    }
}
