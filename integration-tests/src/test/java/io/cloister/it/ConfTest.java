// SPDX-License-Identifier: Apache-2.0
package io.cloister.it;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.cloister.protocol.check.InvalidRequest;
import io.cloister.protocol.container.ContainerConfig;
import io.cloister.protocol.container.Credential;
import io.cloister.protocol.container.Mount;
import io.cloister.protocol.message.Execve;
import io.cloister.protocol.message.Failure;
import io.cloister.protocol.message.OpenFile;
import io.cloister.protocol.unit.ByteSize;
import io.cloister.supervisor.pool.ContainerSupervisor.AcquireReply;
import io.cloister.supervisor.pool.ContainerSupervisor.Lease;
import io.cloister.supervisor.pool.ContainerSupervisor.NotAcquired;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The conf command, whose failure is the container's end. */
class ConfTest extends WorkerTest {
    @TempDir private Path shared;

    private Leased create(ContainerConfig.Builder config) {
        return worker().create(config.build());
    }

    private ContainerConfig.Builder standard() {
        return worker().standard().toBuilder();
    }

    /** A directory of the host that everyone may enter and write to. */
    private Path openDirectory() throws IOException {
        for (Path path = shared; path.startsWith("/tmp/"); path = path.getParent()) {
            Files.setPosixFilePermissions(path, PosixFilePermissions.fromString("rwxrwxrwx"));
        }
        return shared;
    }

    private Failure refused(ContainerConfig.Builder config) {
        AcquireReply reply = worker().tryCreate(config.build());
        if (reply instanceof Lease lease) {
            worker().release(lease);
        }
        assertThat(reply).isInstanceOf(NotAcquired.class);
        return ((NotAcquired) reply).failure();
    }

    // ---- mounts -----------------------------------------------------------------------------

    @Test
    void shouldBindReadOnlyOrWritable() throws IOException {
        Path source = openDirectory();
        Files.writeString(source.resolve("f"), "of the host");
        try (Leased container =
                create(
                        standard()
                                .mount(Mount.Bind.readOnly(source.toString(), "/in"))
                                .mount(Mount.Bind.writable(source.toString(), "/out")))) {
            assertThat(container.shell("cat /in/f")).isEqualTo("of the host");
            Ran ran = container.run("/bin/sh", "-c", "echo x > /in/g");
            assertThat(ran.stderr()).contains("Read-only file system");
            container.shell("echo y > /out/g");
            assertThat(source.resolve("g")).hasContent("y\n");
        }
    }

    @Test
    void shouldBindASingleFileAndMakeItsParents() throws IOException {
        Path source = Files.writeString(openDirectory().resolve("file"), "text");
        try (Leased container =
                create(standard().mount(Mount.Bind.readOnly(source.toString(), "/a/b/c")))) {
            assertThat(container.shell("cat /a/b/c")).isEqualTo("text");
        }
    }

    @Test
    void shouldRefuseDevicesAndSetuidOnPlainBinds() {
        try (Leased container =
                create(standard().mount(Mount.Bind.readOnly("/dev", "/host-dev")))) {
            assertThat(container.run("/bin/sh", "-c", "cat /host-dev/null").stderr())
                    .contains("Permission denied");
            assertThat(container.shell("grep ' /host-dev ' /proc/self/mountinfo"))
                    .contains("nosuid,nodev");
            assertThat(container.shell("echo x > /dev/null && head -c 3 /dev/zero | od -An -c"))
                    .contains("\\0  \\0  \\0");
        }
    }

    @Test
    void shouldMountTmpfsWithItsSizeInodesModeAndOwner() {
        Mount.Tmpfs small = new Mount.Tmpfs("/t", ByteSize.ofKiB(64), 5, 0751, 1000, 44, true);
        try (Leased container = create(standard().mount(small))) {
            assertThat(container.shell("stat -c '%a %u %g' /t")).isEqualTo("751 1000 44\n");
            assertThat(container.run("/bin/sh", "-c", "head -c 100000 /dev/zero > /t/f").stderr())
                    .contains("No space left");
            assertThat(
                            container
                                    .run(
                                            "/bin/sh",
                                            "-c",
                                            "for i in 1 2 3 4 5 6; do : > /t/$i; done")
                                    .stderr())
                    .contains("No space left");
            container.shell("rm -f /t/*; cp /bin/true /t/true 2>/dev/null || : > /t/true");
            container.shell("chmod 755 /t/true");
            container.run("/t/true").assertFailure(Failure.Kind.NOT_EXECUTABLE);
        }
    }

    @Test
    void shouldShowOnlyItsOwnProcesses() {
        try (Leased container = acquire()) {
            assertThat(container.shell("cd /proc; echo [0-9]*")).startsWith("1 ");
            assertThat(
                            container
                                    .run("/bin/sh", "-c", "echo 1 > /proc/sys/kernel/core_pattern")
                                    .stderr())
                    .containsAnyOf("Read-only file system", "Permission denied");
        }
    }

    @Test
    void shouldNameAMissingSource() {
        Failure failure = refused(standard().mount(Mount.Bind.readOnly("/no/such/thing", "/x")));
        assertThat(failure.kind()).isEqualTo(Failure.Kind.NOT_FOUND);
        assertThat(failure.describe()).contains("/no/such/thing on /x", "not optional", "ENOENT");
    }

    @Test
    void shouldLeaveOutAMissingSourceThatIsOptional() {
        try (Leased container =
                create(standard().mount(Mount.Bind.readOnly("/no/such", "/x").asOptional()))) {
            assertThat(container.shell("ls -d /x 2>/dev/null || echo none")).isEqualTo("none\n");
        }
    }

    @Test
    void shouldReadASourceBelowADirectoryOfTheHostsRootAlone() throws IOException {
        Path secret = Files.createDirectories(openDirectory().resolve("secret/inner"));
        Files.writeString(secret.resolve("data"), "tests");
        Files.setPosixFilePermissions(
                secret.getParent(), PosixFilePermissions.fromString("rwx------"));
        try (Leased container =
                create(standard().mount(Mount.Bind.readOnly(secret.toString(), "/data")))) {
            assertThat(container.shell("cat /data/data")).isEqualTo("tests");
        }
    }

    @Test
    void shouldNotReadWhatOnlyTheHostsRootMayRead() throws IOException {
        Path secret = Files.createDirectories(openDirectory().resolve("secret"));
        Files.writeString(secret.resolve("data"), "tests");
        Files.setPosixFilePermissions(secret, PosixFilePermissions.fromString("rwx------"));
        try (Leased container =
                create(standard().mount(Mount.Bind.readOnly(secret.toString(), "/data")))) {
            assertThat(container.run("/bin/cat", "/data/data").stderr())
                    .contains("Permission denied");
            assertThat(container.open(OpenFile.read("/data/data")).errors().get("/data/data"))
                    .satisfies(failure -> assertThat(failure.errnoName()).isEqualTo("EACCES"));
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"relative", "/a/../b", "/", "", "/a//b", "/a/./b", "/a/", "/nul\0"})
    void shouldRejectTargetsThatAreNotPlain(String target) {
        assertThatThrownBy(() -> Mount.Bind.readOnly("/usr", target))
                .isInstanceOf(InvalidRequest.class);
        assertThatThrownBy(() -> new Mount.Proc(target, true)).isInstanceOf(InvalidRequest.class);
    }

    @Test
    void shouldRejectATargetThatIsTakenBeforeAnythingIsMounted() {
        assertThatThrownBy(() -> standard().mount(new Mount.Proc("/tmp", true)).build())
                .isInstanceOf(InvalidRequest.class)
                .hasMessageContaining("/tmp");
    }

    @Test
    void shouldStayInsideWhenALinkOnTheWayToATargetPointsOut() throws IOException {
        Path source = openDirectory();
        Path link = Files.createSymbolicLink(source.resolve("link"), Path.of("/../../tmp"));
        ContainerConfig.Builder config =
                standard()
                        .mount(Mount.Bind.readOnly(source.toString(), "/in"))
                        .mount(Mount.Tmpfs.shared("/in/link/cloister", ByteSize.ofMiB(1), 10));
        if (worker().tryCreate(config.build()) instanceof Lease lease) {
            worker().release(lease);
        }
        assertThat(Path.of("/tmp/cloister")).doesNotExist();
        assertThat(link).isSymbolicLink();
    }

    // ---- what else makes a container --------------------------------------------------------

    @Test
    void shouldRefuseASecondConf() {
        try (Leased container = acquire()) {
            assertThat(container.configure(worker().standard()))
                    .isInstanceOfSatisfying(
                            Failure.class,
                            failure ->
                                    assertThat(failure.kind())
                                            .isEqualTo(Failure.Kind.ALREADY_CONFIGURED));
            container.run("/bin/true").assertExit(0);
        }
    }

    @Test
    void shouldMaskFilesAndDirectories() throws IOException {
        Path source = openDirectory();
        Files.createDirectory(source.resolve("dir"));
        Files.writeString(source.resolve("dir/f"), "secret");
        Files.writeString(source.resolve("file"), "secret");
        try (Leased container =
                create(
                        standard()
                                .mount(Mount.Bind.writable(source.toString(), "/m"))
                                .maskPath("/m/dir")
                                .maskPath("/m/file")
                                .maskPath("/m/missing")
                                .maskPath("/no/where"))) {
            assertThat(container.shell("cat /m/file; ls -A /m/dir | wc -l")).isEqualTo("0\n");
            assertThat(container.run("/bin/sh", "-c", ": > /m/dir/x").stderr())
                    .contains("Read-only file system");
        }
    }

    @Test
    void shouldFollowAHostThatChangesBetweenContainersOfOneConfiguration() throws IOException {
        Path source = openDirectory();
        Path bound = Files.createDirectory(source.resolve("bound"));
        Path masked = Files.writeString(source.resolve("masked"), "secret");
        Path optional = source.resolve("optional");
        ContainerConfig config =
                standard()
                        .mount(Mount.Bind.readOnly(bound.toString(), "/bound"))
                        .mount(Mount.Bind.readOnly(optional.toString(), "/optional").asOptional())
                        .mount(Mount.Bind.readOnly(source.toString(), "/m"))
                        .maskPath("/m/masked")
                        .build();
        String look = "stat -c %F /bound; ls -d /optional 2>&1; cat /m/masked /m/masked/* 2>&1";
        try (Leased first = worker().create(config)) {
            assertThat(first.shell(look + "; true"))
                    .contains("directory", "cannot access '/optional'")
                    .doesNotContain("secret");
        }

        Files.delete(bound);
        Files.writeString(bound, "now a file");
        try (Leased second = worker().create(config)) {
            assertThat(second.shell(look + "; true"))
                    .contains("regular file", "cannot access '/optional'")
                    .doesNotContain("secret");
        }

        Files.delete(masked);
        Files.createDirectory(masked);
        Files.writeString(masked.resolve("f"), "secret");
        try (Leased third = worker().create(config)) {
            assertThat(third.shell(look + "; true"))
                    .contains("regular file", "cannot access '/optional'")
                    .doesNotContain("secret");
        }

        Files.createDirectory(optional);
        Files.delete(masked.resolve("f"));
        Files.delete(masked);
        try (Leased fourth = worker().create(config)) {
            assertThat(fourth.shell(look + "; true"))
                    .contains("regular file", "\n/optional\n", "No such file");
        }
    }

    @Test
    void shouldHaveAReadOnlyRootItsOwnNamesAndNothingOfTheHosts() {
        try (Leased container = create(standard().hostName("judge-1").domainName("example.org"))) {
            assertThat(container.shell("cat /proc/sys/kernel/hostname /proc/sys/kernel/domainname"))
                    .isEqualTo("judge-1\nexample.org\n");
            assertThat(container.run("/bin/sh", "-c", ": > /x").stderr()).contains("cannot create");
            assertThat(container.shell("ls /etc/passwd /root /home /sys 2>/dev/null; umask; pwd"))
                    .isEqualTo("0000\n/w\n");
            String status = container.shell("grep -E '^(Cap|NoNewPrivs)' /proc/self/status");
            assertThat(status.replaceAll("\\s+", " "))
                    .isEqualTo(
                            "CapInh: 0000000000000000 CapPrm: 0000000000000000"
                                    + " CapEff: 0000000000000000 CapBnd: 0000000000000000"
                                    + " CapAmb: 0000000000000000 NoNewPrivs: 1 ");
        }
    }

    @Test
    void shouldMakeLinksWithTheDirectoriesAboveThem() {
        try (Leased container = create(standard().symbolicLink("/opt/a/b", "/usr/bin/env"))) {
            assertThat(container.shell("readlink /opt/a/b")).isEqualTo("/usr/bin/env\n");
        }
    }

    @Test
    void shouldTakeTheDefaultEnvironmentFromItsConfigurationAndFromTheFile() throws IOException {
        Path file = Files.writeString(openDirectory().resolve("env"), "FROM_FILE=1\nBOTH=file\n\n");
        try (Leased container =
                create(
                        standard()
                                .environment("FROM_CONF", "2")
                                .mount(Mount.Bind.readOnly(file.toString(), "/.env")))) {
            assertThat(container.shell("env | sort"))
                    .contains("BOTH=file\n", "FROM_CONF=2\nFROM_FILE=1\n");
            Ran own = container.run(Execve.of("/usr/bin/env").environment(List.of("A=1", "B=2")));
            assertThat(own.stdout()).isEqualTo("A=1\nB=2\n");
        }
    }

    @Test
    void shouldRunProgramsAsTheConfiguredUser() {
        try (Leased container = create(standard().programCredential(new Credential(7, 8)))) {
            assertThat(container.shell("id -u; id -g; id -G")).isEqualTo("7\n8\n8\n");
        }
    }

    // ---- the init command -------------------------------------------------------------------

    @Test
    void shouldTellWhatAFailingInitCommandSaid() {
        Failure failure =
                refused(standard().initCommand(List.of("/bin/sh", "-c", "echo broken; exit 3")));
        assertThat(failure.describe()).contains("broken", "3");
    }

    @Test
    void shouldTellThatTheInitCommandIsMissing() {
        Failure failure = refused(standard().initCommand(List.of("/no/such/command")));
        assertThat(failure.describe()).contains("/no/such/command", "ENOENT");
    }

    @Test
    void shouldBringUpTheLoopbackInterfaceByTheInitCommand() {
        try (Leased container =
                create(
                        standard()
                                .initCommand(
                                        List.of(
                                                "/usr/bin/python3",
                                                "-c",
                                                """
                                                import fcntl, socket, struct
                                                s = socket.socket()
                                                fcntl.ioctl(s, 0x8914, struct.pack('16sH14x', b'lo', 1))
                                                """)))) {
            container
                    .python(
                            """
                            import socket
                            s = socket.create_server(('127.0.0.1', 0))
                            c = socket.create_connection(s.getsockname())
                            """)
                    .assertExit(0);
        }
    }

    @Test
    void shouldEndWhatTheInitCommandLeavesRunning() {
        try (Leased container =
                create(standard().initCommand(List.of("/bin/sh", "-c", "sleep 1000 & exit 0")))) {
            assertThat(container.shell("cd /proc; cat [0-9]*/comm")).doesNotContain("sleep");
        }
    }
}
