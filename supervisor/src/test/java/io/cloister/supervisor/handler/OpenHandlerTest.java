// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.handler;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.cloister.nativeio.fd.Fd;
import io.cloister.nativeio.libc.Errno;
import io.cloister.nativeio.libc.Linux;
import io.cloister.nativeio.program.BadReplyException;
import io.cloister.nativeio.program.Step;
import io.cloister.nativeio.program.SyscallProgram;
import io.cloister.protocol.message.Failure;
import io.cloister.protocol.message.Open;
import io.cloister.protocol.message.OpenFile;
import io.cloister.supervisor.container.OpenReply;
import io.cloister.supervisor.container.Opened;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(10)
class OpenHandlerTest {
    private static Exchange<OpenReply> open(OpenFile... files) {
        return OpenHandler.start(Open.of(files));
    }

    private static ByteBuffer stats(int... modes) {
        ByteBuffer bytes =
                ByteBuffer.allocate(modes.length * Linux.stat_SIZE).order(ByteOrder.LITTLE_ENDIAN);
        for (int i = 0; i < modes.length; i++) {
            bytes.putInt(i * Linux.stat_SIZE + Linux.stat_st_mode, modes[i]);
        }
        return bytes;
    }

    private static Fd descriptor() throws Exception {
        return Fd.open("/dev/null", Linux.O_RDONLY, 0);
    }

    @Test
    void shouldOpenFromTheRootOrTheWorkDirectoryAndLookAfterwards() {
        String listing = Answers.program(open(OpenFile.read("/w/a"), OpenFile.read("b"))).listing();

        assertThat(listing.lines().map(line -> line.replaceAll("&\\d+|0x[0-9a-f]+", "#")))
                .containsExactly(
                        "1 open /: openat(AT_FDCWD, /, #)",
                        "2 open /w/a: openat2(result 1, w/a, #, #) continuing",
                        "3 open b: openat2(AT_FDCWD, b, #, #) continuing",
                        "4 look at /w/a: fstat(result 2, #) continuing",
                        "5 look at b: fstat(result 3, #) continuing",
                        "6 reply : reply(#, #, #, 2)");
    }

    @Test
    void shouldMakeParentsOneComponentAtATime() {
        SyscallProgram program =
                Answers.program(open(OpenFile.create("/w/x/f", 0644).withParents()));

        assertThat(program.steps().stream().map(Step::call))
                .containsExactly(
                        "openat", "openat2", "mkdirat", "openat2", "close", "mkdirat", "openat2",
                        "close", "close", "openat2", "fstat", "reply");
    }

    @Test
    void shouldPassOnRegularFilesOnly() throws Exception {
        Fd regular = descriptor();
        Fd fifo = descriptor();
        OpenReply reply =
                Answers.reply(
                        Answers.answer(
                                open(
                                        OpenFile.read("gone"),
                                        OpenFile.read("regular"),
                                        OpenFile.read("fifo")),
                                step ->
                                        step.subject().equals("gone")
                                                ? Answers.error(Errno.ENOENT)
                                                : 7,
                                stats(0, Linux.S_IFREG | 0644, Linux.S_IFIFO | 0644),
                                List.of(regular, fifo)));

        assertThat(reply).isInstanceOf(Opened.class);
        try (Opened opened = (Opened) reply) {
            assertThat(opened.files()).containsOnlyKeys("regular").containsValue(regular);
            assertThat(opened.errors()).containsOnlyKeys("gone", "fifo");
            assertThat(opened.errors().get("gone").kind()).isEqualTo(Failure.Kind.NOT_FOUND);
            assertThat(opened.errors().get("fifo").kind())
                    .isEqualTo(Failure.Kind.NOT_A_REGULAR_FILE);
            assertThat(opened.errors().get("fifo").message()).contains("FIFO");
            assertThat(fifo.isOpen()).isFalse();
        }
        assertThat(regular.isOpen()).isFalse();
    }

    @Test
    void shouldTryAgainWithoutCreatingWhereTheKernelProtectsFilesOfOthers() throws Exception {
        Exchange<OpenReply> first = open(OpenFile.create("/tmp/f", 0600));
        Exchange<OpenReply> second =
                Answers.answer(
                        first,
                        step -> step.call().equals("openat2") ? Answers.error(Errno.EACCES) : 0);
        OpenReply reply =
                Answers.reply(
                        Answers.answer(
                                second,
                                step ->
                                        step.call().equals("openat2")
                                                ? Answers.error(Errno.EACCES)
                                                : 0));

        assertThat(((Opened) reply).errors()).containsOnlyKeys("/tmp/f");
    }

    @Test
    void shouldSpreadAThousandFilesOverRoundsAndCloseThemWhenThatEndsEarly() throws Exception {
        OpenFile[] files =
                IntStream.range(0, 1000)
                        .mapToObj(i -> OpenFile.read("f" + i))
                        .toArray(OpenFile[]::new);
        Fd kept = descriptor();
        Exchange<OpenReply> second =
                Answers.answer(
                        open(files),
                        step -> step.subject().equals("f3") ? 9 : Answers.error(Errno.ENOENT),
                        ByteBuffer.wrap(fourth(Linux.S_IFREG)),
                        List.of(kept));

        assertThat(Answers.program(second).steps()).hasSizeLessThan(files.length);
        assertThatThrownBy(() -> Answers.answer(second, step -> 9)) // but no descriptors
                .isInstanceOf(BadReplyException.class);
        assertThat(kept.isOpen()).isFalse();
    }

    private static byte[] fourth(int mode) {
        int[] modes = new int[256];
        modes[3] = mode;
        return stats(modes).array();
    }
}
