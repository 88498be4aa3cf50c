// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.handler;

import static org.assertj.core.api.Assertions.assertThat;

import io.cloister.nativeio.init.IdMap;
import io.cloister.nativeio.libc.Errno;
import io.cloister.nativeio.libc.Linux;
import io.cloister.nativeio.program.Step;
import io.cloister.protocol.container.ContainerConfig;
import io.cloister.protocol.message.Delete;
import io.cloister.protocol.message.DeleteReply;
import io.cloister.protocol.message.Deleted;
import io.cloister.protocol.message.Failure;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(10)
class DeleteHandlerTest {
    private static final ContainerContext CONTEXT =
            new ContainerContext(ContainerConfig.standard(), IdMap.range(100_000), List.of());

    private static Exchange<DeleteReply> delete(String path, boolean recursive) {
        return DeleteHandler.start(new Delete(path, recursive), CONTEXT);
    }

    private static long notEmpty(Step step) {
        return !step.call().equals("unlinkat")
                ? 5
                : step.argument(2).value() == 0
                        ? Answers.error(Errno.EISDIR)
                        : Answers.error(Errno.ENOTEMPTY);
    }

    /** One entry as getdents64(2) writes it. */
    private static ByteBuffer listing(String name, int type) {
        ByteBuffer bytes = ByteBuffer.allocate(64 * 1024).order(ByteOrder.LITTLE_ENDIAN);
        bytes.putShort(Linux.dirent64_d_reclen, (short) 32);
        bytes.put(Linux.dirent64_d_type, (byte) type);
        for (int i = 0; i < name.length(); i++) {
            bytes.put(Linux.dirent64_d_name + i, (byte) name.charAt(i));
        }
        return bytes;
    }

    private static Exchange<DeleteReply> list(Exchange<DeleteReply> exchange, ByteBuffer listing)
            throws Exception {
        return Answers.answer(
                exchange,
                step -> step.call().equals("getdents64") ? 32 : notEmpty(step),
                listing,
                List.of());
    }

    @ParameterizedTest
    @ValueSource(strings = {"/w", "/tmp", "/proc", "/dev", "/dev/null"})
    void shouldRefuseWhatTheContainerNeeds(String path) {
        DeleteReply reply = Answers.reply(delete(path, true));

        assertThat(reply).isInstanceOf(Failure.class);
        assertThat(((Failure) reply).kind()).isEqualTo(Failure.Kind.INVALID_REQUEST);
    }

    @Test
    void shouldRemoveAFileInTheDescriptorOfItsParent() throws Exception {
        Exchange<DeleteReply> exchange = delete("/w/d/f", false);

        assertThat(Answers.program(exchange).listing())
                .contains("openat2(result 1, w/d, ")
                .contains("delete /w/d/f: unlinkat(result 2, f, 0)");
        assertThat(Answers.reply(Answers.answer(exchange, step -> 0))).isEqualTo(new Deleted());
    }

    @Test
    void shouldSayThatADirectoryIsNotEmpty() throws Exception {
        DeleteReply reply =
                Answers.reply(Answers.answer(delete("d", false), DeleteHandlerTest::notEmpty));

        assertThat(((Failure) reply).kind()).isEqualTo(Failure.Kind.NOT_EMPTY);
    }

    @Test
    void shouldSayThatNothingIsThere() throws Exception {
        DeleteReply reply =
                Answers.reply(
                        Answers.answer(delete("d", true), step -> Answers.error(Errno.ENOENT)));

        assertThat(((Failure) reply).kind()).isEqualTo(Failure.Kind.NOT_FOUND);
    }

    @Test
    void shouldMoveADirectoryInsideADirectoryUpToTheTop() throws Exception {
        Exchange<DeleteReply> first =
                Answers.answer(delete("d", true), DeleteHandlerTest::notEmpty);
        Exchange<DeleteReply> second = list(first, listing("a", Linux.DT_DIR));
        assertThat(Answers.program(second).listing()).doesNotContain("renameat2");
        Exchange<DeleteReply> third = list(second, listing("b", Linux.DT_DIR));

        assertThat(Answers.program(third).listing())
                .contains("move up d/a/b: renameat2(")
                .contains(".cloister-delete-0");
    }

    @Test
    void shouldEndWithTheFirstRefusalAndItsName() throws Exception {
        Exchange<DeleteReply> first =
                Answers.answer(delete("d", true), DeleteHandlerTest::notEmpty);
        Exchange<DeleteReply> second = list(first, listing("kept", 8));
        DeleteReply reply =
                Answers.reply(
                        Answers.answer(
                                second,
                                step ->
                                        step.subject().equals("d/kept")
                                                ? Answers.error(Errno.EPERM)
                                                : notEmpty(step)));

        assertThat(((Failure) reply).subject()).isEqualTo("d/kept");
        assertThat(((Failure) reply).errnoName()).isEqualTo("EPERM");
    }

    @Test
    void shouldNotGoRoundForEverOnADirectoryThatOnlyLooksEmpty() throws Exception {
        Exchange<DeleteReply> exchange =
                Answers.answer(delete("d", true), DeleteHandlerTest::notEmpty);
        for (int round = 0; exchange instanceof Exchange.Run<DeleteReply>; round++) {
            assertThat(round).isLessThan(5);
            exchange =
                    Answers.answer(
                            exchange,
                            step -> step.call().equals("getdents64") ? 0 : notEmpty(step));
        }

        assertThat(((Failure) Answers.reply(exchange)).errnoName()).isEqualTo("ENOTEMPTY");
    }
}
