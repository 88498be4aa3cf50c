// SPDX-License-Identifier: Apache-2.0
package io.cloister.it;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.typesafe.config.Config;
import com.typesafe.config.ConfigFactory;
import com.typesafe.config.ConfigValue;
import io.cloister.nativeio.libc.LibC;
import io.cloister.supervisor.cli.Main;
import io.cloister.supervisor.seccomp.OciSeccomp;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What is installed: units of systemd, settings, the archive and its launcher. */
@Tag("beside")
@Timeout(value = 180, unit = TimeUnit.SECONDS)
class PackagingTest {
    private static final Path PACKAGING = Path.of("../packaging").toAbsolutePath().normalize();
    private static final Path UNITS = PACKAGING.resolve("systemd");
    private static final Path SERVICE = UNITS.resolve("cloister.service");
    private static final Path WORKER = UNITS.resolve("cloister-worker.service");
    private static final Path SOCKET = UNITS.resolve("cloister.socket");

    /** Of systemd.unit(5), systemd.socket(5), systemd.service(5), .exec(5), .kill(5) and so on. */
    private static final Map<String, Set<String>> OPTIONS =
            Map.of(
                    "Unit",
                    Set.of("Description", "Documentation", "Requires", "Wants", "After"),
                    "Socket",
                    Set.of(
                            "ListenSequentialPacket",
                            "SocketUser",
                            "SocketGroup",
                            "SocketMode",
                            "DirectoryMode",
                            "RemoveOnStop"),
                    "Install",
                    Set.of("Also", "WantedBy"),
                    "Service",
                    Set.of(
                            ("AmbientCapabilities CapabilityBoundingSet Delegate EnvironmentFile"
                                            + " ExecStart Group KeyringMode KillMode LimitCORE"
                                            + " LimitNOFILE LockPersonality"
                                            + " MemoryDenyWriteExecute NoNewPrivileges OOMPolicy"
                                            + " OOMScoreAdjust PrivateDevices PrivateIPC PrivateMounts"
                                            + " PrivateNetwork PrivateTmp PrivateUsers ProcSubset"
                                            + " ProtectClock ProtectControlGroups ProtectHome"
                                            + " ProtectHostname ProtectKernelLogs"
                                            + " ProtectKernelModules ProtectKernelTunables"
                                            + " ProtectProc ProtectSystem RemoveIPC Restart"
                                            + " RestartSec RestrictAddressFamilies"
                                            + " RestrictNamespaces RestrictRealtime"
                                            + " RestrictSUIDSGID RuntimeDirectory"
                                            + " RuntimeDirectoryMode RuntimeDirectoryPreserve"
                                            + " SuccessExitStatus SystemCallArchitectures"
                                            + " SystemCallErrorNumber SystemCallFilter TasksMax"
                                            + " TimeoutStopSec Type UMask User")
                                    .split(" ")));

    @TempDir private Path directory;

    // ---- units --------------------------------------------------------------------------------

    @ParameterizedTest
    @ValueSource(strings = {"cloister.socket", "cloister.service", "cloister-worker.service"})
    void shouldSetNothingThatSystemdDoesNotKnow(String unit) throws IOException {
        for (UnitFile.Setting setting : UnitFile.read(UNITS.resolve(unit)).settings()) {
            assertThat(OPTIONS.get(setting.section())).as("%s", setting).contains(setting.key());
        }
    }

    @Test
    void shouldHaveUnitsThatSystemdAccepts() throws Exception {
        assumeTool("systemd-analyze");
        List<String> command = new ArrayList<>(List.of("systemd-analyze", "verify"));
        for (Path unit : List.of(SOCKET, SERVICE, WORKER)) {
            Path copy = directory.resolve(unit.getFileName());
            // it looks whether there is what would be started
            Files.writeString(
                    copy, Files.readString(unit).replaceAll("/opt/cloister/bin/\\w+", "/bin/true"));
            command.add(copy.toString());
        }

        Ended ended = run(command);

        assertThat(ended.output()).doesNotContain(directory.toString()).doesNotContain("cloister");
        assertThat(ended.exitCode()).as(ended.output()).isZero();
    }

    /** The exposure that systemd computes, from 0 to 10, times ten; versions differ a little. */
    @ParameterizedTest
    @CsvSource({"cloister.service, 50", "cloister-worker.service, 20"})
    void shouldExposeLittle(String unit, int most) throws Exception {
        assumeTool("systemd-analyze");
        List<String> command = List.of("systemd-analyze", "--no-pager", "security");
        assumeTrue(
                run(List.of("systemd-analyze", "--help")).output().contains("--offline"),
                "systemd-analyze is too old to look at a file: version 250 can");
        Ended ended =
                run(
                        Stream.concat(
                                        command.stream(),
                                        Stream.of(
                                                "--offline=true",
                                                "--threshold=" + most,
                                                UNITS.resolve(unit).toString()))
                                .toList());

        assertThat(ended.output()).contains("Overall exposure level");
        assertThat(ended.exitCode()).as(ended.output()).isZero();
    }

    @Test
    void shouldStartCommandsThatThereAre() throws Exception {
        for (Path unit : List.of(SERVICE, WORKER)) {
            List<String> start = words(UnitFile.read(unit).value("ExecStart"));

            assertThat(start.getFirst()).isEqualTo("/opt/cloister/bin/cloister");
            Ended help = cloister(List.of(), start.get(1), "--help");
            assertThat(help.exitCode()).as(help.output()).isZero();
            assertThat(help.output()).contains("cloister " + start.get(1), start.get(2));
        }
    }

    @Test
    void shouldAgreeOnTheSocket() throws IOException {
        UnitFile socket = UnitFile.read(SOCKET);
        Config service = settings("service.conf").getConfig("cloister.service.socket");

        assertThat(service.getString("path")).isEqualTo(socket.value("ListenSequentialPacket"));
        assertThat(service.getString("mode")).isEqualTo(socket.value("SocketMode"));
        assertThat(service.getString("group")).isEqualTo(socket.value("SocketGroup"));
        assertThat(settings("worker.conf").getString("cloister.socket.path"))
                .isEqualTo(socket.value("ListenSequentialPacket"));
        String user = "u %s ".formatted(value(WORKER, "User"));
        assertThat(UnitFile.read(WORKER).value("Group")).isEqualTo(socket.value("SocketGroup"));
        assertThat(Files.readAllLines(PACKAGING.resolve("sysusers.d/cloister.conf")))
                .contains("g %s -".formatted(socket.value("SocketGroup")))
                .anyMatch(line -> line.startsWith(user));
    }

    @Test
    void shouldHaveTheSocketWhereTheServiceMakesOne() throws IOException {
        assertThat(ConfigFactory.defaultReference().getString("cloister.service.socket.path"))
                .isEqualTo(value(SOCKET, "ListenSequentialPacket"));
    }

    @Test
    void shouldWaitForTheWorkerToDrain() throws IOException {
        Duration drain =
                settings("worker.conf").getDuration("cloister.cluster.worker.drain-timeout");

        assertThat(seconds(UnitFile.read(WORKER).value("TimeoutStopSec"))).isGreaterThan(drain);
        assertThat(seconds(UnitFile.read(SERVICE).value("TimeoutStopSec")))
                .isGreaterThan(
                        ConfigFactory.defaultReference()
                                .getDuration("cloister.containers.drain-timeout"));
    }

    /** Enough for every limit, and for the kinds of programs that need most. */
    @Test
    void shouldDoWithTheCapabilitiesOfTheService() throws Exception {
        assumeTrue(LibC.geteuid() == 0, "not root: no capabilities to take away");
        assumeTool("setpriv");
        List<String> kept = words(value(SERVICE, "CapabilityBoundingSet"));
        assertThat(kept).containsExactlyInAnyOrder("CAP_CHOWN", "CAP_SETGID", "CAP_SETUID");
        StringBuilder set = new StringBuilder("-all");
        for (String capability : kept) {
            set.append(",+").append(capability.substring(4).toLowerCase(Locale.ROOT));
        }
        if (!Files.exists(Path.of("/sys/fs/cgroup/cgroup.controllers"))) {
            set.append(",+dac_override"); // version 1 below a directory that cannot be written to
        }

        Ended ended =
                cloister(
                        List.of("setpriv", "--no-new-privs", "--bounding-set=" + set),
                        "run",
                        "--cpu-time=5s",
                        "--memory=64MiB",
                        "--processes=8",
                        "--allow-less",
                        "--json",
                        "--",
                        "/bin/sh",
                        "-c",
                        "grep CapBnd /proc/self/status; id -u");

        assertThat(ended.exitCode()).as(ended.output()).isZero();
        assertThat(ended.output())
                .contains("\"status\":\"OK\"", "CapBnd:\\t0000000000000000\\n1000\\n");
    }

    // ---- settings -----------------------------------------------------------------------------

    @ParameterizedTest
    @ValueSource(strings = {"service.conf", "worker.conf"})
    void shouldSetNothingThatThereIsNot(String file) {
        Config known = ConfigFactory.defaultReference();
        Set<String> unknown = new TreeSet<>();
        for (Map.Entry<String, ConfigValue> setting : settings(file).entrySet()) {
            if (!known.hasPathOrNull(setting.getKey())) {
                unknown.add(setting.getKey());
            }
        }

        assertThat(unknown).isEmpty();
    }

    @Test
    void shouldHaveAFilterForContainerEnginesThatCanBeRead() throws Exception {
        Path file = PACKAGING.resolve("container/seccomp.json");
        assertThat(OciSeccomp.read(file).name()).isEqualTo("seccomp");

        assumeTool("systemd-analyze");
        List<String> command = new ArrayList<>(List.of("systemd-analyze", "syscall-filter"));
        command.addAll(words(value(SERVICE, "SystemCallFilter").substring(1)));
        List<String> refusedByUnit = run(command).output().lines().map(String::strip).toList();
        JsonNode names =
                new ObjectMapper().readTree(file.toFile()).path("syscalls").path(0).path("names");
        assertThat(names).isNotEmpty();
        for (JsonNode name : names) {
            assertThat(refusedByUnit).contains(name.asText());
        }
    }

    // ---- the archive --------------------------------------------------------------------------

    @Test
    void shouldBeInstalledByUnpacking() throws Exception {
        Path archive = archive();
        assertThat(run(List.of("tar", "-C", directory.toString(), "-xzf", archive.toString())))
                .extracting(Ended::exitCode)
                .isEqualTo(0);
        Path home;
        try (Stream<Path> entries = Files.list(directory)) {
            home = entries.filter(Files::isDirectory).findFirst().orElseThrow();
        }
        Path link =
                Files.createSymbolicLink(directory.resolve("link"), home.resolve("bin/cloister"));

        Ended ended = run(List.of(link.toString(), "run", "--", "/bin/echo", "installed"));

        assertThat(ended.output()).isEqualTo("installed\n");
        assertThat(ended.exitCode()).isZero();
        for (String file :
                List.of(
                        "LICENSE",
                        "conf/service.conf",
                        "container/seccomp.json",
                        "docs/deployment.md",
                        "docs/reference.conf",
                        "systemd/cloister.service",
                        "sysusers.d/cloister.conf")) {
            assertThat(home.resolve(file)).exists();
        }
    }

    @Test
    void shouldSayNothingOfWhoMadeItAndWhen() throws Exception {
        Ended ended = run(List.of("tar", "--utc", "--full-time", "-tvzf", archive().toString()));

        assertThat(ended.output().lines())
                .isNotEmpty()
                .allSatisfy(line ->
                        assertThat(line)
                                .matches("\\S+ root/root +\\d+ 2026-01-01 00:00:00 cloister-.*"));
    }

    // ---- helpers ------------------------------------------------------------------------------

    private record Ended(int exitCode, String output) {}

    private static Path archive() throws IOException {
        Path target = Path.of("../target").toAbsolutePath().normalize();
        try (Stream<Path> files = Files.exists(target) ? Files.list(target) : Stream.empty()) {
            List<Path> archives =
                    files.filter(file -> file.toString().endsWith(".tar.gz")).toList();
            assumeTrue(!archives.isEmpty(), "there is no archive: ./cloister dist makes it");
            assertThat(archives).hasSize(1);
            return archives.getFirst();
        }
    }

    private static Config settings(String file) {
        return ConfigFactory.parseFile(PACKAGING.resolve("conf").resolve(file).toFile());
    }

    private static String value(Path unit, String key) throws IOException {
        return UnitFile.read(unit).value(key);
    }

    private static List<String> words(String text) {
        return Arrays.asList(text.split(" "));
    }

    private static Duration seconds(String text) {
        assertThat(text).endsWith("s");
        return Duration.ofSeconds(Long.parseLong(text.substring(0, text.length() - 1)));
    }

    private static void assumeTool(String tool) {
        assumeTrue(
                Stream.of("/usr/bin/", "/bin/")
                        .anyMatch(at -> Files.isExecutable(Path.of(at + tool))),
                "there is no " + tool);
    }

    private Ended cloister(List<String> by, String... arguments) throws Exception {
        List<String> command = new ArrayList<>(by);
        command.addAll(
                List.of(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-XX:+IgnoreUnrecognizedVMOptions",
                        "--sun-misc-unsafe-memory-access=allow",
                        "--enable-native-access=ALL-UNNAMED",
                        "-XX:TieredStopAtLevel=1",
                        "-cp",
                        System.getProperty("java.class.path"),
                        Main.class.getName()));
        command.addAll(Arrays.asList(arguments));
        return run(command);
    }

    private Ended run(List<String> command) throws Exception {
        Path output = Files.createTempFile(directory, "output", "");
        ProcessBuilder builder =
                new ProcessBuilder(command)
                        .directory(Path.of("/").toFile())
                        .redirectErrorStream(true)
                        .redirectOutput(output.toFile());
        builder.environment().put("JAVA_HOME", System.getProperty("java.home"));
        builder.environment().remove("JAVA_TOOL_OPTIONS");
        Process process = builder.start();
        process.getOutputStream().close();
        try {
            assertThat(process.waitFor(120, TimeUnit.SECONDS)).as("%s ends", command).isTrue();
        } finally {
            process.destroyForcibly();
        }
        return new Ended(process.exitValue(), Files.readString(output));
    }
}
