// SPDX-License-Identifier: Apache-2.0
package io.cloister.it;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.cloister.nativeio.libc.LibC;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * The same for an ordinary user, who can map no id but his own: a worker in a JVM of another user
 * runs programs, commands and the hostile programs.
 */
@Timeout(300)
class RootlessTest {
    /** Nobody has it, and it belongs to no range of ids. */
    private static final int UID = 54_321;

    @TempDir Path directory;

    @TestFactory
    List<DynamicTest> shouldServeAnOrdinaryUser() throws Exception {
        assumeTrue(LibC.geteuid() == 0, "only root can become another user");
        assumeTrue(CProgram.hasCompiler(), CProgram.NO_COMPILER);
        assumeTrue(mayMakeUserNamespaces(), "user namespaces are forbidden to ordinary users");
        Path classes = Files.createDirectory(directory.resolve("classes"));
        Path programs = HostileCorpus.compiled().directory();
        Path temporary = Files.createDirectory(directory.resolve("tmp"));
        String classPath = ChildJvm.copyClassPath(classes);
        Files.setPosixFilePermissions(temporary, PosixFilePermissions.fromString("rwxrwxrwx"));
        Files.setPosixFilePermissions(directory, PosixFilePermissions.fromString("rwxr-xr-x"));

        List<DynamicTest> tests = new ArrayList<>();
        try (ChildJvm child =
                ChildJvm.start(
                        RootlessProcess.class,
                        temporary,
                        Optional.of(new ChildJvm.User(UID, classPath)),
                        List.of(programs.toString()))) {
            for (String name = child.listen();
                    !name.equals(RootlessProcess.END);
                    name = child.listen()) {
                String answer = child.listen();
                tests.add(
                        DynamicTest.dynamicTest(
                                name, () -> assertThat(answer).isEqualTo(RootlessProcess.OK)));
            }
            assertThat(child.hasEnded()).isTrue();
        }
        return tests;
    }

    private static boolean mayMakeUserNamespaces() throws Exception {
        Process unshare =
                new ProcessBuilder(
                                "setpriv",
                                "--reuid=" + UID,
                                "--regid=" + UID,
                                "--clear-groups",
                                "unshare",
                                "--user",
                                "true")
                        .redirectErrorStream(true)
                        .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                        .start();
        return unshare.waitFor() == 0;
    }
}
