// SPDX-License-Identifier: Apache-2.0
package io.cloister.it;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.networknt.schema.SchemaRegistry;
import com.networknt.schema.SpecificationVersion;
import io.cloister.supervisor.cli.Main;
import java.io.IOException;
import java.io.OutputStream;
import java.io.Writer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The command line as people and scripts use it: a process, its streams, its exit code. */
@Tag("beside")
@Timeout(value = 180, unit = TimeUnit.SECONDS)
class CommandLineTest {
    private static final ObjectMapper MAPPER = new ObjectMapper();
    private static final int TERMINATED = 143;

    @TempDir private Path directory;

    private record Ended(int exitCode, String stdout, String stderr) {
        JsonNode json() throws IOException {
            assertThat(stdout).as(stderr).endsWith("}\n");
            JsonNode result = MAPPER.readTree(stdout);
            assertValid("result", result);
            return result.get("results").get(0);
        }

        Ended assertExit(int expected) {
            assertThat(exitCode).as(stderr).isEqualTo(expected);
            return this;
        }
    }

    @BeforeEach
    void writeInput() throws IOException {
        Files.writeString(directory.resolve("in.txt"), "1 2\n");
    }

    // ---- one program --------------------------------------------------------------------------

    @Test
    void shouldGiveTheProgramItsOwnStreams() throws Exception {
        Ended ended = cloister("out: \n", "run", "--", "sh", "-c", "cat; echo err >&2; exit 7");

        ended.assertExit(7);
        assertThat(ended.stdout()).isEqualTo("out: \n");
        assertThat(ended.stderr()).isEqualTo("err\n");
    }

    @Test
    void shouldCopyFilesInAndOut() throws Exception {
        Files.writeString(directory.resolve("s.sh"), "#!/bin/sh\ncat b/in > out; cat b/in\n");

        cloister(
                        "",
                        "run",
                        "--copy-in",
                        "s.sh:s.sh:0755",
                        "--copy-in",
                        "in.txt:b/in",
                        "--copy-out",
                        "out:here",
                        "--copy-out",
                        "none?",
                        "./s.sh")
                .assertExit(0);

        assertThat(directory.resolve("here")).hasContent("1 2\n");
        assertThat(directory.resolve("none")).doesNotExist();
        Ended missing = cloister("", "run", "--copy-out", "none", "true").assertExit(125);
        assertThat(missing.stderr()).contains("none");
        Ended unread = cloister("", "run", "--copy-in", "nosuch", "true").assertExit(125);
        assertThat(unread.stderr()).contains("nosuch");
    }

    @Test
    void shouldSayWhichSettingOfTheServiceIsWrong() throws Exception {
        Path file = directory.resolve("service.conf");
        Files.writeString(file, "cloister.service.quota.containers = many\n");
        Ended type = cloister("", "serve", "--config", file.toString()).assertExit(2);
        assertThat(type.stderr()).contains("service.conf: 1: ", "containers has type STRING");

        Files.writeString(file, "cloister.service {\n");
        Ended syntax = cloister("", "serve", "--config", file.toString()).assertExit(2);
        assertThat(syntax.stderr()).contains("service.conf: ").doesNotContain("\tat ");
    }

    @Test
    void shouldSayThatAFileOfSettingsCannotBeRead() throws Exception {
        Ended missing = cloister("", "worker", "--config", "nosuch").assertExit(2);
        assertThat(missing.stderr()).contains("--config: nosuch cannot be read");

        Path file = Files.writeString(directory.resolve("worker.conf"), "cloister {\n");
        Ended syntax = cloister("", "worker", "--config", file.toString()).assertExit(2);
        assertThat(syntax.stderr()).contains("--config: ", "worker.conf: ").doesNotContain("\tat ");
    }

    @ParameterizedTest
    @CsvSource({"serve, 70", "worker, 70", "run, 125"})
    void shouldSayWhichSettingThisMachineCannotFollow(String command, int exit) throws Exception {
        ProcessBuilder builder =
                switch (command) {
                    case "run" -> builder(command, "true");
                    case "serve" -> builder(command, "--socket", directory + "/socket");
                    default -> builder(command);
                };
        builder.command().add(1, "-Dcloister.uid-ranges.lock-file=/dev/null/lock");
        Ended ended = end(builder, "").assertExit(exit);
        assertThat(ended.stderr().lines().toList())
                .singleElement()
                .asString()
                .startsWith("cloister: cannot open cloister.uid-ranges.lock-file: ");
        assertThat(ended.stdout()).isEmpty();
    }

    @Test
    void shouldOfferEveryLimitAndSayWhatItEnforced() throws Exception {
        Ended ended =
                cloister(
                        "",
                        "run",
                        "--json",
                        "--cpu-time",
                        "1s",
                        "--wall-time",
                        "3s",
                        "--memory",
                        "64MiB",
                        "--processes",
                        "16",
                        "--output",
                        "1MiB",
                        "--file-size",
                        "1MiB",
                        "--stack",
                        "8MiB",
                        "--open-files",
                        "64",
                        "--address-space",
                        "1GiB",
                        "--data-segment",
                        "512MiB",
                        "--tmpfs-size",
                        "8MiB",
                        "--tmpfs-inodes",
                        "128",
                        "--allow-less",
                        "--stdin",
                        "in.txt",
                        "--env",
                        "WHO=me",
                        "--work-dir",
                        "/tmp",
                        "--seccomp",
                        "none",
                        "--",
                        "sh",
                        "-c",
                        "cat; echo $WHO; pwd; ulimit -n -s -f -v -d | tr -s ' ' | sed 's/.* //';"
                                + " df --output=size,itotal /tmp | tail -n 1; grep Seccomp:"
                                + " /proc/self/status >&2");

        JsonNode result = ended.assertExit(0).json();

        assertThat(result.get("status").textValue()).isEqualTo("OK");
        List<String> lines = result.get("stdout").textValue().lines().toList();
        assertThat(lines.subList(0, 3)).containsExactly("1 2", "me", "/tmp");
        assertThat(lines.getLast().strip()).matches("8192 +128");
        assertThat(result.get("stderr").textValue()).isEqualTo("Seccomp:\t0\n");
        Set<String> enforced = new HashSet<>();
        result.get("enforced").fieldNames().forEachRemaining(enforced::add);
        assertThat(enforced)
                .contains(
                        "wall-time",
                        "cpu-time",
                        "memory",
                        "processes",
                        "output",
                        "file-size",
                        "stack",
                        "open-files",
                        "address-space",
                        "data-segment",
                        "disk-size",
                        "disk-files");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "--wall-time 200ms | sleep 100 | TIME_LIMIT | wall-time | 124",
                "--cpu-time 200ms --allow-less | while :; do :; done | TIME_LIMIT | cpu-time | 124",
                "--output 10B | echo 0123456789 | OUTPUT_LIMIT | output | 153",
                "--file-size 4KiB | exec head -c 4097 /dev/zero > f | OUTPUT_LIMIT"
                        + " | file-size | 153",
                "-s | kill -SEGV $$ | SIGNALLED | | 139",
                "-s | kill -KILL $$ | SIGNALLED | | 137",
                "-s | exit 42 | NONZERO_EXIT | | 42",
                "-s | exit 0 | OK | | 0"
            })
    void shouldTellWhatEndedAProgram(
            String options, String script, String status, String limit, int exitCode)
            throws Exception {
        List<String> line = new ArrayList<>(List.of("run", "--json"));
        line.addAll(Arrays.asList(options.split(" ")));
        line.addAll(List.of("--", "sh", "-c", script));

        JsonNode result = cloister("", line.toArray(String[]::new)).assertExit(exitCode).json();

        assertThat(result.get("status").textValue()).isEqualTo(status);
        assertThat(result.path("limit").textValue()).isEqualTo(limit);
    }

    @Test
    void shouldBoundTheMemoryOfAllProcesses() throws Exception {
        Ended ended =
                cloister(
                        "",
                        "run",
                        "--memory",
                        "32MiB",
                        "--",
                        "python3",
                        "-c",
                        "x = bytearray(200 << 20)");
        assumeThat(ended.stderr()).doesNotContain("cannot enforce");

        ended.assertExit(137);
        assertThat(ended.stderr())
                .startsWith("cloister: memory limit reached\nstatus    MEMORY_LIMIT (memory)")
                .contains("memory by cgroup-v");
    }

    @Test
    void shouldTellAMissingProgramFromOneThatCannotBeExecuted() throws Exception {
        Ended missing = cloister("", "run", "nosuch").assertExit(127);
        assertThat(missing.stderr())
                .isEqualTo("cloister: there is no program 'nosuch' in the container\n");
        cloister("", "run", "/etc/ld.so.cache").assertExit(126);
        cloister("", "run", "--json", "--", "nosuch").assertExit(127).json();
    }

    @Test
    void shouldShowPathsOfTheHostReadOnlyUnlessTold() throws Exception {
        Path shown = Files.createDirectory(directory.resolve("shown"));
        Files.writeString(shown.resolve("f"), "mine");
        assertThat(shown.toFile().setWritable(true, false)).isTrue();
        Files.setPosixFilePermissions(directory, PosixFilePermissions.fromString("rwxr-xr-x"));

        String read = "cat /s/f; touch /s/new";
        Ended readOnly = cloister("", "run", "--bind", "shown:/s", "--", "sh", "-c", read);
        assertThat(readOnly.stdout()).isEqualTo("mine");
        readOnly.assertExit(1);
        assertThat(shown.resolve("new")).doesNotExist();
        cloister("", "run", "--bind", "shown:/s:rw", "--", "sh", "-c", read).assertExit(0);
        assertThat(shown.resolve("new")).exists();
    }

    @Test
    void shouldReadASeccompProfileFromAFile() throws Exception {
        Files.writeString(
                directory.resolve("p.json"),
                """
                {"defaultAction": "SCMP_ACT_ALLOW",
                 "syscalls": [{"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO", "errnoRet": 38}]}
                """);

        Ended ended = cloister("", "run", "--seccomp", "p.json", "--", "mkdir", "d").assertExit(1);

        assertThat(ended.stderr()).contains("not implemented");
    }

    @Test
    void shouldWriteAReportBesideTheProgramsOwnStreams() throws Exception {
        Ended ended = cloister("", "run", "--report", "r.json", "--", "echo", "hi").assertExit(0);

        assertThat(ended.stdout()).isEqualTo("hi\n");
        JsonNode report = MAPPER.readTree(directory.resolve("r.json").toFile());
        assertValid("result", report);
        assertThat(report.get("results").get(0).has("stdout")).isFalse();
    }

    @Test
    void shouldGiveATerminal() throws Exception {
        Ended ended =
                cloister(
                        "x\n",
                        "run",
                        "--tty",
                        "--",
                        "sh",
                        "-c",
                        "test -t 0 && test -t 2 && stty size && read a && echo got $a && cat");

        ended.assertExit(0);
        assertThat(ended.stdout()).contains("24 80\r\n").contains("got x\r\n");
    }

    @Test
    void shouldStartAShell() throws Exception {
        Ended ended = cloister("echo $((6 * 7)); exit 5\n", "shell");

        ended.assertExit(5);
        assertThat(ended.stdout()).contains("42\r\n");
    }

    // ---- batches ------------------------------------------------------------------------------

    @Test
    void shouldAnswerAThousandLinesOnFourContainers() throws Exception {
        StringBuilder input = new StringBuilder();
        for (int i = 0; i < 1000; i++) {
            input.append(
                    """
                    {"id":"%d","programs":[{"args":["/bin/echo","%d"],"limits":{"wallTime":"60s"}}]}
                    """
                            .formatted(i, i));
        }

        Ended ended = cloister(input.toString(), "run", "--batch", "--containers", "4");

        ended.assertExit(0);
        Set<String> ids = new HashSet<>();
        for (JsonNode line : lines(ended)) {
            assertValid("result", line);
            JsonNode result = line.get("results").get(0);
            assertThat(result.get("status").textValue()).as(line.toString()).isEqualTo("OK");
            assertThat(result.get("stdout").textValue())
                    .isEqualTo(line.get("id").textValue() + "\n");
            ids.add(line.get("id").textValue());
        }
        assertThat(ids).hasSize(1000);
    }

    @Test
    void shouldAnswerInOrderOfCompletionAndGoOnAfterBadLines() throws Exception {
        String input =
                String.join(
                        "\n",
                        program("slow", "sleep 2; echo slow"),
                        "garbage",
                        program("quick", "echo quick"),
                        "{\"id\":\"wrong\",\"programs\":[{\"args\":[\"true\"],\"nice\":5}]}",
                        "{\"id\":\"large\",\"programs\":[{\"args\":[\"wc\",\"-c\"],\"stdin\":{\"content\":\""
                                + "x".repeat(10_000_000)
                                + "\"}}]}",
                        "x".repeat(10_000_000),
                        program("stored", "echo kept > f")
                                .replace(
                                        "]}]}",
                                        "],\"copyOut\":[{\"path\":\"f\",\"store\":true}]}]}"),
                        "{\"id\":\"host\",\"programs\":[{\"args\":[\"cat\"],\"stdin\":{\"file\":\"/etc/passwd\"}}]}",
                        "{\"id\":\"cut");

        Ended ended = cloister(input, "run", "--batch", "--containers", "2").assertExit(1);

        List<JsonNode> lines = lines(ended);
        List<String> ids = lines.stream().map(line -> line.get("id").asText()).toList();
        assertThat(ids)
                .containsExactlyInAnyOrder(
                        "slow", "null", "quick", "wrong", "large", "null", "stored", "host",
                        "null");
        assertThat(ids.indexOf("slow")).isGreaterThan(ids.indexOf("quick"));
        for (JsonNode line : lines) {
            assertValid(line.has("error") ? "badLine" : "result", line);
        }
        assertThat(of("large", lines).get("stdout").textValue()).isEqualTo("10000000\n");
        assertThat(of("stored", lines).get("files").get("f").get("stored").textValue()).hasSize(64);
        assertThat(of("host", lines).get("status").textValue()).isEqualTo("FILE_ERROR");
        assertThat(of("host", lines).get("failure").get("message").textValue())
                .contains("host-files");
    }

    @Test
    void shouldJoinProgramsOfARequest() throws Exception {
        String input =
                """
                {"id":"g","programs":[{"args":["sh","-c","echo 21; read a; echo $a >&2"]},{"args":["sh","-c","read x; echo $((x * 2))"]}],"pipes":[{"from":{"program":0,"fd":1},"to":{"program":1,"fd":0}},{"from":{"program":1,"fd":1},"to":{"program":0,"fd":0},"relay":{"transcript":true}}]}
                {"id":"three","programs":[{"args":["true"]},{"args":["true"]},{"args":["true"]}]}
                """;

        Ended ended = cloister(input, "run", "--batch", "--containers", "2").assertExit(1);

        JsonNode group =
                lines(ended).stream()
                        .filter(line -> line.get("id").textValue().equals("g"))
                        .findFirst()
                        .orElseThrow();
        assertValid("result", group);
        assertThat(group.get("results").get(0).get("stderr").textValue()).isEqualTo("42\n");
        assertThat(group.get("transcripts").get("1").textValue()).isEqualTo("42\n");
        assertThat(ended.stdout()).contains("--containers");
    }

    @Test
    void shouldLetRequestsReadOnlyTheDirectoriesThatAreNamed() throws Exception {
        String request =
                "{\"id\":\"h\",\"programs\":[{\"args\":[\"cat\"],\"stdin\":{\"file\":\"%s\"}}]}\n";
        String own = request.formatted(directory.toRealPath().resolve("in.txt"));

        Ended ended = cloister(own, "run", "--batch", "--host-files", ".").assertExit(0);

        assertThat(of("h", lines(ended)).get("stdout").textValue()).isEqualTo("1 2\n");
        Ended other =
                cloister(request.formatted("/etc/passwd"), "run", "--batch", "--host-files", ".");
        assertThat(of("h", lines(other)).get("status").textValue()).isEqualTo("FILE_ERROR");
    }

    @ParameterizedTest
    @CsvSource({"--memory=1MiB", "--json", "-s", "--tty"})
    void shouldRefuseOptionsOfAProgramWithABatch(String option) throws Exception {
        Ended ended = cloister("", "run", "--batch", option).assertExit(125);

        assertThat(ended.stderr()).contains("--batch").contains("Try");
    }

    @Test
    void shouldLeaveNothingWhenItIsTerminated() throws Exception {
        Process process = start("run", "--batch", "--containers", "2");
        String marker = "9" + process.pid() + ".25";
        try (Writer input = process.outputWriter(StandardCharsets.UTF_8)) {
            input.write(program("quick", "echo begun") + "\n");
            input.write(program("forever", "sleep " + marker) + "\n");
            input.flush();
            assertThat(process.inputReader(StandardCharsets.UTF_8).readLine()).contains("begun");
            Waiting.until(() -> assertThat(commandLines()).anyMatch(line -> line.contains(marker)));
            process.destroy(); // SIGTERM
            assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
        }

        assertThat(process.exitValue()).isEqualTo(TERMINATED);
        Waiting.until(() -> assertThat(commandLines()).noneMatch(line -> line.contains(marker)));
    }

    @Test
    void shouldEndWhenNobodyReadsItsResults() throws Exception {
        Process process = start("run", "--batch", "--containers", "1");
        process.getInputStream().close();
        try (Writer input = process.outputWriter(StandardCharsets.UTF_8)) {
            input.write(program("a", "echo") + "\n");
            input.flush(); // and no end of input
            assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
        }

        assertThat(process.exitValue()).isEqualTo(125);
    }

    // ---- helpers ------------------------------------------------------------------------------

    private static List<String> commandLines() {
        return ProcessHandle.allProcesses()
                .map(handle -> handle.info().commandLine())
                .flatMap(Optional::stream)
                .toList();
    }

    private static String program(String id, String script) {
        return "{\"id\":\"%s\",\"programs\":[{\"args\":[\"sh\",\"-c\",\"%s\"]}]}"
                .formatted(id, script);
    }

    private static List<JsonNode> lines(Ended ended) throws IOException {
        List<JsonNode> lines = new ArrayList<>();
        for (String line : ended.stdout().lines().toList()) {
            lines.add(MAPPER.readTree(line));
        }
        return lines;
    }

    private static JsonNode of(String id, List<JsonNode> lines) {
        return lines.stream()
                .filter(line -> line.path("id").asText().equals(id))
                .findFirst()
                .orElseThrow()
                .get("results")
                .get(0);
    }

    private static void assertValid(String kind, JsonNode document) throws IOException {
        Path root = Path.of("").toAbsolutePath();
        while (!Files.exists(root.resolve("docs/run-format.schema.json"))) {
            root = root.getParent();
            assertThat(root).isNotNull();
        }
        ObjectNode schema =
                (ObjectNode) MAPPER.readTree(root.resolve("docs/run-format.schema.json").toFile());
        schema.remove("anyOf");
        schema.put("$ref", "#/$defs/" + kind);
        assertThat(
                        SchemaRegistry.withDefaultDialect(SpecificationVersion.DRAFT_2020_12)
                                .getSchema(schema)
                                .validate(document))
                .as(document.toString())
                .isEmpty();
    }

    private Ended cloister(String input, String... arguments) throws Exception {
        return end(builder(arguments), input);
    }

    private Ended end(ProcessBuilder builder, String input) throws Exception {
        Path out = Files.createTempFile(directory, "stdout", "");
        Path err = Files.createTempFile(directory, "stderr", "");
        Process process = builder.redirectOutput(out.toFile()).redirectError(err.toFile()).start();
        try (OutputStream stdin = process.getOutputStream()) {
            stdin.write(input.getBytes(StandardCharsets.UTF_8));
        } catch (IOException e) {
            // it did not want all of its input
        }
        assertThat(process.waitFor(120, TimeUnit.SECONDS)).isTrue();
        return new Ended(process.exitValue(), Files.readString(out), Files.readString(err));
    }

    private Process start(String... arguments) throws IOException {
        return builder(arguments).redirectError(ProcessBuilder.Redirect.DISCARD).start();
    }

    private ProcessBuilder builder(String... arguments) {
        List<String> command =
                new ArrayList<>(
                        List.of(
                                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                                "-XX:+IgnoreUnrecognizedVMOptions",
                                "--sun-misc-unsafe-memory-access=allow",
                                "--enable-native-access=ALL-UNNAMED",
                                "-XX:+UseSerialGC",
                                "-XX:TieredStopAtLevel=1",
                                "-XX:-UsePerfData",
                                "-Xmx512m",
                                "-Dlogback.configurationFile=cli-logback.xml",
                                "-cp",
                                System.getProperty("java.class.path"),
                                Main.class.getName()));
        command.addAll(Arrays.asList(arguments));
        ProcessBuilder builder = new ProcessBuilder(command).directory(directory.toFile());
        builder.environment().remove("JAVA_TOOL_OPTIONS");
        return builder;
    }
}
