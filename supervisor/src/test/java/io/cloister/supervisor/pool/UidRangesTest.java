// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.pool;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.cloister.nativeio.init.IdMap;
import io.cloister.nativeio.libc.LibC;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class UidRangesTest {
    private static final int FIRST = 0x6200_0000;

    @TempDir Path directory;

    private Path file;
    private UidRanges.Block block;

    @BeforeEach
    void chooseFile() {
        assumeTrue(LibC.geteuid() == 0, "only root hands out ranges of ids");
        file = directory.resolve("new/lock");
        block = new UidRanges.Block(FIRST, 2, file);
    }

    @Test
    void shouldGiveEachRangeToOneOnly() throws IOException {
        try (UidRanges one = UidRanges.open(block);
                UidRanges other = UidRanges.open(block)) {
            UidRanges.Claim first = one.claim();
            UidRanges.Claim second = other.claim();

            assertThat(List.of(first.ids().hostUid(), second.ids().hostUid()))
                    .containsExactlyInAnyOrder(FIRST, FIRST + IdMap.RANGE);
            assertThatThrownBy(one::claim)
                    .isInstanceOf(IOException.class)
                    .hasMessageContaining("all 2 ranges");

            first.release();
            assertThat(other.claim().ids()).isEqualTo(first.ids());
        }
    }

    @Test
    void shouldKeepItsLocksWhenAnotherOfTheSameProcessCloses() throws IOException {
        try (UidRanges one = UidRanges.open(block)) {
            one.claim();
            UidRanges other = UidRanges.open(block);
            other.claim();
            assertThat(lockedBytes()).isEqualTo(2);

            other.close();
            other.close();

            assertThat(lockedBytes()).isEqualTo(1);
        }
        assertThat(lockedBytes()).isZero();
    }

    @Test
    void shouldNotUseARangeThatAKilledWorkersProcessHasStill() throws Exception {
        Files.createDirectory(file.getParent());
        byte[] marks = new byte[FIRST / IdMap.RANGE + 2];
        marks[FIRST / IdMap.RANGE] = 1;
        marks[FIRST / IdMap.RANGE + 1] = 1;
        Files.write(file, marks);
        Process left = new ProcessBuilder("setpriv", "--reuid=" + (FIRST + 1000), "cat").start();
        try (UidRanges ranges = UidRanges.open(block)) {
            left.getOutputStream().write('x');
            left.getOutputStream().flush();
            assertThat(left.getInputStream().read()).as("it has that id").isEqualTo('x');

            assertThat(ranges.claim().ids().hostUid()).isEqualTo(FIRST + IdMap.RANGE);
            assertThatThrownBy(ranges::claim).isInstanceOf(IOException.class);

            left.destroyForcibly().waitFor();
            assertThat(ranges.claim().ids().hostUid()).isEqualTo(FIRST);
        } finally {
            left.destroyForcibly();
        }
    }

    /**
     * Neighbouring locks of one process are one to the kernel: bytes are counted, proc_locks(5).
     */
    private long lockedBytes() throws IOException {
        String inode = ":" + Files.getAttribute(file, "unix:ino");
        String own = Long.toString(ProcessHandle.current().pid());
        long bytes = 0;
        for (String line : Files.readAllLines(Path.of("/proc/locks"))) {
            String[] fields = line.trim().split(" +");
            if (fields[4].equals(own) && fields[5].endsWith(inode)) {
                bytes += Long.parseLong(fields[7]) - Long.parseLong(fields[6]) + 1;
            }
        }
        return bytes;
    }
}
