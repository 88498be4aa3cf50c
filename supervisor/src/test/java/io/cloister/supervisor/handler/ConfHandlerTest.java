// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.handler;

import static org.assertj.core.api.Assertions.assertThat;

import io.cloister.nativeio.fd.Fd;
import io.cloister.nativeio.fd.MemFd;
import io.cloister.nativeio.init.IdMap;
import io.cloister.nativeio.libc.Errno;
import io.cloister.nativeio.libc.Linux;
import io.cloister.nativeio.program.Step;
import io.cloister.protocol.container.ContainerConfig;
import io.cloister.protocol.container.Mount;
import io.cloister.protocol.message.ConfReply;
import io.cloister.protocol.message.Configured;
import io.cloister.protocol.unit.ByteSize;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(10)
class ConfHandlerTest {
    private static final ContainerConfig CONFIG =
            ContainerConfig.builder()
                    .mount(Mount.Bind.readOnly("/here", "/there"))
                    .mount(Mount.Bind.readOnly("/missing", "/optional").asOptional())
                    .mount(Mount.Tmpfs.shared("/w", ByteSize.ofMiB(1), 100))
                    .workDirectory("/w")
                    .maskPath("/there/secret")
                    .build();

    private Fd output;
    private Optional<ConfPlan> learned = Optional.empty();

    @BeforeEach
    void open() throws IOException {
        output = MemFd.writable("output");
    }

    @AfterEach
    void close() {
        output.close();
    }

    private Exchange<ConfReply> start(Optional<ConfPlan> plan) {
        return ConfHandler.start(
                CONFIG, IdMap.range(1 << 20), plan, output, (context, next) -> learned = next);
    }

    /** What a look sees: a directory, or files. */
    private static ByteBuffer seen(int... kinds) {
        ByteBuffer bytes = ByteBuffer.allocate(64 * 1024).order(ByteOrder.LITTLE_ENDIAN);
        for (int i = 0; i < kinds.length; i++) {
            bytes.putInt(i * Linux.stat_SIZE + Linux.stat_st_mode, kinds[i]);
        }
        return bytes;
    }

    private static long found(Step step) {
        return step.subject().startsWith("/missing") ? Answers.error(Errno.ENOENT) : 0;
    }

    private static Exchange<ConfReply> lookAtSources(Exchange<ConfReply> exchange)
            throws Exception {
        return Answers.answer(
                exchange, ConfHandlerTest::found, seen(Linux.S_IFDIR | 0755, 0), List.of());
    }

    private static Exchange<ConfReply> lookAtMasks(Exchange<ConfReply> exchange) throws Exception {
        return Answers.answer(exchange, step -> 0, seen(Linux.S_IFREG | 0644), List.of());
    }

    private ConfPlan plan() throws Exception {
        Exchange<ConfReply> done =
                Answers.answer(lookAtMasks(lookAtSources(start(Optional.empty()))), step -> 0);
        assertThat(Answers.reply(done)).isInstanceOf(Configured.class);
        return learned.orElseThrow();
    }

    private static Step expectation(Exchange<?> exchange, String path) {
        return Answers.program(exchange).steps().stream()
                .filter(step -> step.name().startsWith("expect"))
                .filter(step -> step.subject().equals(path))
                .findFirst()
                .orElseThrow();
    }

    @Test
    void shouldNeedOneProgramForAnotherContainerOfAConfiguration() throws Exception {
        ConfPlan plan = plan();
        Exchange<ConfReply> next = start(Optional.of(plan));

        assertThat(plan.fits(CONFIG, IdMap.range(1 << 24))).isTrue();
        assertThat(Answers.program(next).listing())
                .contains("expect DIRECTORY /here", "expect MISSING /missing")
                .contains("expect FILE /there/secret", "mask /there/secret")
                .contains("set no_new_privs");
        assertThat(Answers.reply(Answers.answer(next, step -> 0))).isInstanceOf(Configured.class);
        assertThat(learned).containsSame(plan);
    }

    @Test
    void shouldNotFitAnotherConfigurationOrASingleId() throws Exception {
        ConfPlan plan = plan();

        assertThat(plan.fits(CONFIG.toBuilder().hostName("other").build(), IdMap.range(1 << 24)))
                .isFalse();
        assertThat(plan.fits(CONFIG, IdMap.single(1000, 1000))).isFalse();
    }

    @Test
    void shouldLookAgainWhenASourceIsNotWhatItWas() throws Exception {
        Exchange<ConfReply> next = start(Optional.of(plan()));
        Exchange<ConfReply> again =
                Answers.answerEndingAt(next, expectation(next, "/here"), Errno.ENOTDIR);

        assertThat(Answers.program(again).name()).isEqualTo("look at mount sources");
    }

    @Test
    void shouldLookAtTheMasksAgainWhenOneIsNotWhatItWas() throws Exception {
        Exchange<ConfReply> next = start(Optional.of(plan()));
        Exchange<ConfReply> again =
                Answers.answerEndingAt(next, expectation(next, "/there/secret"), Errno.ENOENT);

        assertThat(Answers.program(again).name()).isEqualTo("look at masked paths");
        assertThat(Answers.program(again).steps()).extracting(Step::call).doesNotContain("mount");
        assertThat(Answers.program(lookAtMasks(again)).name()).isEqualTo("protect");
    }

    @Test
    void shouldEndTheContainerWhenAnythingElseFails() throws Exception {
        Exchange<ConfReply> next = start(Optional.of(plan()));
        Step pivot =
                Answers.program(next).steps().stream()
                        .filter(step -> step.call().equals("pivot_root"))
                        .findFirst()
                        .orElseThrow();

        assertThat(Answers.answerEndingAt(next, pivot, Errno.EINVAL))
                .isInstanceOf(Exchange.Doomed.class);
    }
}
