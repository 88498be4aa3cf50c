// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.handler;

import static org.assertj.core.api.Assertions.assertThat;

import io.cloister.nativeio.libc.Errno;
import io.cloister.protocol.container.SymbolicLink;
import io.cloister.protocol.message.Linked;
import io.cloister.protocol.message.Symlink;
import io.cloister.protocol.message.SymlinkReply;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(10)
class SymlinkHandlerTest {
    private static Exchange<SymlinkReply> link(String path) {
        return SymlinkHandler.start(Symlink.of(new SymbolicLink(path, "target")));
    }

    @Test
    void shouldLinkInTheDescriptorOfTheParent() {
        assertThat(Answers.program(link("/w/x/l")).listing())
                .contains("link /w/x/l: symlinkat(target, result ")
                .contains(", l)")
                .doesNotContain("symlinkat(target, AT_FDCWD");
    }

    @Test
    void shouldNameTheLinkThatExists() throws Exception {
        SymlinkReply reply =
                Answers.reply(
                        Answers.answer(
                                link("/l"),
                                step ->
                                        step.call().equals("symlinkat")
                                                ? Answers.error(Errno.EEXIST)
                                                : 5));

        assertThat(reply).isInstanceOf(Linked.class);
        assertThat(((Linked) reply).errors()).containsOnlyKeys("/l");
        assertThat(((Linked) reply).errors().get("/l").errnoName()).isEqualTo("EEXIST");
    }

    @Test
    void shouldBlameTheParentThatCouldNotBeMade() throws Exception {
        SymlinkReply reply =
                Answers.reply(
                        Answers.answer(
                                link("/w/d/l"),
                                step ->
                                        step.call().equals("mkdirat")
                                                ? Answers.error(Errno.ENOSPC)
                                                : Answers.error(Errno.ENOENT)));

        assertThat(((Linked) reply).errors().get("/w/d/l").step()).isEqualTo("make directory");
    }
}
