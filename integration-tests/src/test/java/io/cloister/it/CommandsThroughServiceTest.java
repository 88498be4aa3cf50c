// SPDX-License-Identifier: Apache-2.0
package io.cloister.it;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.cloister.nativeio.libc.LibC;
import io.cloister.supervisor.cli.Main;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * The commands of an ordinary user without any capability, with containers of a service that offers
 * two profiles.
 */
@Tag("beside")
@Timeout(120)
class CommandsThroughServiceTest {
    /** Nobody has them, and they belong to no range of ids. */
    private static final int ADMITTED = 54_323;

    private static final int STRANGER = 54_324;

    private static final int FIRST_ID = 0x6400_0000;

    @TempDir private static Path directory;
    private static String classPath;
    private static ServiceProcess service;

    @BeforeAll
    static void start() throws Exception {
        assumeTrue(LibC.geteuid() == 0, "only root can become another user");
        Files.setPosixFilePermissions(directory, PosixFilePermissions.fromString("rwxrwxrwx"));
        classPath = ChildJvm.copyClassPath(Files.createDirectory(directory.resolve("classes")));
        Path data = Files.createDirectory(directory.resolve("data"));
        Files.writeString(data.resolve("kind"), "with data\n");
        service =
                ServiceProcess.start(
                        directory,
                        "service",
                        "cloister.uid-ranges { start = %d, count = 64, lock-file = \"%s\" }"
                                .formatted(FIRST_ID, directory.resolve("lock")),
                        "cloister.service.peers.users = [ %d ]".formatted(ADMITTED),
                        "cloister.service.profiles.data = ${cloister.service.profile-defaults}",
                        "cloister.service.profiles.data {",
                        "  mounts = [ { source = \"%s\", target = \"/data\" } ]".formatted(data),
                        "  limits.memory = 128MiB",
                        "}");
    }

    @AfterAll
    static void stop() {
        if (service != null) {
            service.close();
        }
    }

    private record Ended(int code, String output) {}

    private static Ended cloister(int uid, String profile, String... arguments) throws Exception {
        List<String> by = new ArrayList<>();
        by.add("env");
        by.add(
                "JDK_JAVA_OPTIONS=-Dcloister.transport=socket -Dcloister.socket.path=%s -Dcloister.socket.profile=%s"
                        .formatted(service.socket(), profile));
        by.addAll(new ChildJvm.User(uid, classPath).command());
        try (ChildJvm command =
                ChildJvm.start(by, Main.class, directory, classPath, List.of(arguments))) {
            assertThat(command.hasEnded()).as(command.log()).isTrue();
            return new Ended(command.process().waitFor(), command.log());
        }
    }

    @Test
    void shouldRunAProgramInTheProfileThatIsAskedFor() throws Exception {
        String[] program = {"run", "--memory", "64MiB", "--", "/bin/sh", "-c", "cat /data/kind"};
        Ended with = cloister(ADMITTED, "data", program);
        assertThat(with.output()).contains("with data");
        assertThat(with.code()).as(with.output()).isZero();
        Ended without = cloister(ADMITTED, "standard", program);
        assertThat(without.output()).contains("No such file");
        assertThat(without.code()).as(without.output()).isEqualTo(1);
    }

    @Test
    void shouldSayThatAProfileAllowsLess() throws Exception {
        Ended ended = cloister(ADMITTED, "data", "run", "--memory", "256MiB", "--", "/bin/true");
        assertThat(ended.output()).contains("this profile allows at most 128MiB");
        assertThat(ended.code()).isEqualTo(125);
    }

    @Test
    void shouldFindTheServiceHealthy() throws Exception {
        Ended ended = cloister(ADMITTED, "standard", "doctor");
        assertThat(ended.output())
                .contains(service.socket() + ", profile standard", "Cloister works");
        assertThat(ended.code()).as(ended.output()).isZero();
    }

    @Test
    void shouldSayWhyTheServiceRefuses() throws Exception {
        Ended stranger = cloister(STRANGER, "standard", "doctor", "--json");
        assertThat(stranger.output()).contains("user %d is not admitted".formatted(STRANGER));
        assertThat(stranger.code()).isEqualTo(1);
        Ended other = cloister(ADMITTED, "no-such", "doctor", "--json");
        assertThat(other.output()).contains("there is no such profile", "[data, standard]");
        assertThat(other.code()).isEqualTo(1);
    }
}
