// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.handler;

import static org.assertj.core.api.Assertions.assertThat;

import io.cloister.nativeio.libc.Linux;
import io.cloister.nativeio.program.Step;
import io.cloister.protocol.container.ContainerConfig;
import io.cloister.protocol.container.Mount;
import io.cloister.protocol.message.ResetDone;
import io.cloister.protocol.message.ResetReply;
import io.cloister.protocol.unit.ByteSize;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(10)
class ResetHandlerTest {
    private static final ContainerConfig CONFIG =
            ContainerConfig.builder()
                    .workDirectory("/w")
                    .mount(Mount.Tmpfs.shared("/w", ByteSize.ofMiB(1), 100))
                    .build();

    /** What a look at a tmpfs with 100 inodes leaves. */
    private static ByteBuffer seen(int mode, int usedInodes) {
        ByteBuffer bytes = ByteBuffer.allocate(1024).order(ByteOrder.LITTLE_ENDIAN);
        bytes.putInt(Linux.stat_st_mode, Linux.S_IFDIR | mode);
        bytes.putLong(Linux.stat_SIZE + Linux.statfs_f_type, Linux.TMPFS_MAGIC);
        bytes.putLong(Linux.stat_SIZE + Linux.statfs_f_blocks, 256);
        bytes.putLong(Linux.stat_SIZE + Linux.statfs_f_bfree, 256);
        bytes.putLong(Linux.stat_SIZE + Linux.statfs_f_files, 100);
        bytes.putLong(Linux.stat_SIZE + Linux.statfs_f_ffree, 100 - usedInodes);
        return bytes;
    }

    private static Exchange<ResetReply> look(Exchange<ResetReply> exchange, ByteBuffer seen)
            throws Exception {
        return Answers.answer(exchange, step -> 0, seen, List.of());
    }

    @Test
    void shouldEndProcessesAndLeaveTheIpcNamespaceBeforeItLooks() {
        assertThat(Answers.program(ResetHandler.start(CONFIG)).steps().stream().map(Step::call))
                .startsWith("kill", "wait4", "unshare", "keyctl")
                .endsWith("close", "reply");
    }

    @Test
    void shouldKeepTheIpcNamespaceWhenNoProgramRan() {
        assertThat(Answers.program(ResetHandler.start(CONFIG, false, Set.of(), used -> {})).steps())
                .extracting(Step::call)
                .doesNotContain("unshare");
    }

    @Test
    void shouldLeaveATmpfsAloneThatIsAsNew() throws Exception {
        assertThat(Answers.reply(look(ResetHandler.start(CONFIG), seen(01777, 1))))
                .isEqualTo(new ResetDone(0));
    }

    @Test
    void shouldReplaceATmpfsWithAFile() throws Exception {
        Exchange<ResetReply> second = look(ResetHandler.start(CONFIG), seen(01777, 2));

        assertThat(Answers.program(second).steps().stream().map(Step::call))
                .startsWith(
                        "openat", "chdir", "openat2", "close", "umount2", "mount", "chdir",
                        "openat2");
        assertThat(Answers.reply(look(second, seen(01777, 1)))).isEqualTo(new ResetDone(1));
    }

    private static final Mount.Tmpfs W = (Mount.Tmpfs) CONFIG.mounts().getFirst();

    /** What two looks leave: one before a tmpfs is replaced, one after. */
    private static ByteBuffer seen(int usedInodesBefore, int usedInodesAfter, int lookSize) {
        ByteBuffer bytes = ByteBuffer.allocate(2048).order(ByteOrder.LITTLE_ENDIAN);
        bytes.put(0, seen(01777, usedInodesBefore), 0, lookSize);
        bytes.put(lookSize, seen(01777, usedInodesAfter), 0, lookSize);
        return bytes;
    }

    @Test
    void shouldReplaceAtOnceWhatWasUsedBefore() throws Exception {
        int size = Linux.stat_SIZE + Linux.statfs_SIZE + 64;
        List<Set<Mount.Tmpfs>> habit = new ArrayList<>();
        Exchange<ResetReply> used = ResetHandler.start(CONFIG, true, Set.of(W), habit::add);
        assertThat(Answers.program(used).listing()).contains("mount tmpfs on /w");
        assertThat(Answers.reply(look(used, seen(2, 1, size)))).isEqualTo(new ResetDone(1));

        Exchange<ResetReply> unused = ResetHandler.start(CONFIG, true, Set.of(W), habit::add);
        assertThat(Answers.reply(look(unused, seen(1, 1, size)))).isEqualTo(new ResetDone(0));
        assertThat(habit).containsExactly(Set.of(W), Set.of());

        Exchange<ResetReply> stained = ResetHandler.start(CONFIG, true, Set.of(W), habit::add);
        assertThat(look(stained, seen(2, 2, size))).isInstanceOf(Exchange.Doomed.class);
    }

    @Test
    void shouldLearnWhatIsUsed() throws Exception {
        List<Set<Mount.Tmpfs>> habit = new ArrayList<>();
        look(ResetHandler.start(CONFIG, true, Set.of(), habit::add), seen(01777, 2));
        assertThat(habit).containsExactly(Set.of(W));
    }

    @Test
    void shouldNotReplaceBeforeItLooksWhatHasMountsInside() throws Exception {
        ContainerConfig nested =
                CONFIG.toBuilder().mount(Mount.Bind.readOnly("/data", "/w/data")).build();
        assertThat(Answers.program(ResetHandler.start(nested, true, Set.of(W), used -> {})).steps())
                .extracting(Step::call)
                .doesNotContain("umount2");
    }

    @Test
    void shouldReplaceATmpfsWhoseModeWasChanged() throws Exception {
        assertThat(Answers.program(look(ResetHandler.start(CONFIG), seen(0777, 1))).listing())
                .contains("mount tmpfs on /w");
    }

    @Test
    void shouldReplaceATmpfsWithAnAccessControlList() throws Exception {
        ByteBuffer seen = seen(01777, 1);
        byte[] names =
                "security.selinux\0system.posix_acl_access\0".getBytes(StandardCharsets.UTF_8);
        seen.put(Linux.stat_SIZE + Linux.statfs_SIZE, names);
        Exchange<ResetReply> second =
                Answers.answer(
                        ResetHandler.start(CONFIG),
                        step -> step.call().equals("flistxattr") ? names.length : 0,
                        seen,
                        List.of());

        assertThat(Answers.program(second).listing()).contains("mount tmpfs on /w");
    }

    @Test
    void shouldDoomAContainerThatIsNotAsNewAfterwards() throws Exception {
        Exchange<ResetReply> second = look(ResetHandler.start(CONFIG), seen(01777, 2));

        assertThat(look(second, seen(01777, 2))).isInstanceOf(Exchange.Doomed.class);
    }

    @Test
    void shouldCarryMountsInsideATmpfsOver() throws Exception {
        ContainerConfig nested =
                CONFIG.toBuilder().mount(Mount.Bind.readOnly("/data", "/w/in/data")).build();
        ByteBuffer seen = seen(01777, 3);
        int inner = Linux.stat_SIZE + Linux.statfs_SIZE + 64;
        seen.putInt(inner + Linux.stat_st_mode, Linux.S_IFDIR | 0755);
        seen.putLong(inner + Linux.stat_st_dev, 7);
        Exchange<ResetReply> second = look(ResetHandler.start(nested), seen);

        assertThat(Answers.program(second).steps().stream().map(Step::call))
                .containsSubsequence(
                        "open_tree", "umount2", "mount", "mkdirat", "mkdirat", "move_mount");
        assertThat(Answers.reply(look(second, seen(01777, 3)))).isEqualTo(new ResetDone(1));
    }

    @Test
    void shouldDoomAContainerWhoseInnerMountWasMovedAway() throws Exception {
        ContainerConfig nested =
                CONFIG.toBuilder().mount(Mount.Bind.readOnly("/data", "/w/data")).build();

        assertThat(look(ResetHandler.start(nested), seen(01777, 2)))
                .isInstanceOf(Exchange.Doomed.class);
    }
}
