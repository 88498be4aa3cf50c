// SPDX-License-Identifier: Apache-2.0
package io.cloister.it;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.cloister.nativeio.libc.LibC;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import org.junit.jupiter.api.io.TempDir;

/** The same with workers of an ordinary user who has no capability. */
class JudgeThroughServiceTest extends JudgeOnClusterTest {
    /** Nobody has it, and it belongs to no range of ids. */
    private static final int UID = 54_325;

    @TempDir private Path readable;

    @Override
    JudgeCluster newCluster() throws Exception {
        assumeTrue(Boolean.getBoolean("cloister.long"), "only with ./cloister verify --long");
        assumeTrue(LibC.geteuid() == 0, "only root can become another user");
        Files.setPosixFilePermissions(readable, PosixFilePermissions.fromString("rwxr-xr-x"));
        return JudgeCluster.of(new ChildJvm.User(UID, ChildJvm.copyClassPath(readable)), directory);
    }
}
