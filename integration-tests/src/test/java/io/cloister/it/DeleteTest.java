// SPDX-License-Identifier: Apache-2.0
package io.cloister.it;

import static org.assertj.core.api.Assertions.assertThat;

import io.cloister.protocol.container.Credential;
import io.cloister.protocol.container.Mount;
import io.cloister.protocol.message.DeleteReply;
import io.cloister.protocol.message.Deleted;
import io.cloister.protocol.message.Failure;
import io.cloister.protocol.unit.ByteSize;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The delete command, on trees that programs made. */
class DeleteTest extends WorkerTest {
    static final String DEEP =
            """
            import os
            os.mkdir('/w/t'); os.chdir('/w/t')
            for i in range(10000):
                os.mkdir('d'); os.chdir('d')
            open('bottom', 'w').close()
            """;

    static final String WIDE =
            """
            import os
            for d in range(10):
                os.makedirs('/w/t/%d' % d)
                for i in range(10000):
                    os.close(os.open('/w/t/%d/%d' % (d, i), os.O_CREAT | os.O_WRONLY))
            """;

    static final String ODD =
            """
            import os
            os.mkdir(b'/w/t')
            for name in b'new\\nline', b'\\xff\\xfe', b' ', b'-rf', b'*', b'n' * 255, b'\\x01\\x7f':
                os.mkdir(b'/w/t/' + name)
                open(b'/w/t/' + name + b'/' + name, 'w').close()
                os.chmod(b'/w/t/' + name, 0)
            os.mkfifo('/w/t/fifo')
            os.symlink('/usr', '/w/t/link')
            os.symlink('/w/keep', '/w/t/keep')
            os.chmod('/w/t', 0)
            """;

    private static void assertKind(DeleteReply reply, Failure.Kind kind) {
        assertThat(reply)
                .isInstanceOfSatisfying(
                        Failure.class,
                        failure ->
                                assertThat(failure.kind()).as(failure.describe()).isEqualTo(kind));
    }

    /** Room for more than the standard's 65,536 inodes. */
    static Leased roomy(Worker worker) {
        return worker.create(
                worker.standard().toBuilder()
                        .withoutMount("/w")
                        .mount(
                                Mount.Tmpfs.ownedBy(
                                        new Credential(1000, 1000),
                                        "/w",
                                        ByteSize.ofMiB(256),
                                        200_000))
                        .build());
    }

    @Test
    void shouldDeleteFilesLinksAndEmptyDirectories() {
        try (Leased container = acquire()) {
            container.shell("mkdir d keep; echo > keep/f; ln -s keep l; ln -s none m; echo > f");
            for (String path : new String[] {"d", "/w/l", "m", "/w/f"}) {
                assertThat(container.delete(path, false)).as(path).isEqualTo(new Deleted());
            }
            assertThat(container.shell("find . | sort")).isEqualTo(".\n./keep\n./keep/f\n");
        }
    }

    @Test
    void shouldSayWhatCannotBeDeleted() {
        try (Leased container = acquire()) {
            container.shell("mkdir -p d/e; ln -s /tmp out; echo > /tmp/f");
            assertKind(container.delete("/w/missing", false), Failure.Kind.NOT_FOUND);
            assertKind(container.delete("/w/missing", true), Failure.Kind.NOT_FOUND);
            assertKind(container.delete("d", false), Failure.Kind.NOT_EMPTY);
            assertThat(container.delete("/w/out/f", false)).isInstanceOf(Failure.class);
            assertKind(container.delete("/w", true), Failure.Kind.INVALID_REQUEST);
            assertKind(container.delete("/usr/bin/env", false), Failure.Kind.SYSCALL);
            assertThat(container.shell("ls /tmp; ls d")).isEqualTo("f\ne\n");
        }
    }

    @Test
    void shouldNotFollowLinksInATree() {
        try (Leased container = acquire()) {
            container.shell(
                    "mkdir -p t/u keep; echo > keep/f; ln -s /w/keep t/l; ln -s ../../keep t/u/l");
            container.delete("t");
            assertThat(container.shell("find . | sort")).isEqualTo(".\n./keep\n./keep/f\n");
        }
    }

    @ParameterizedTest
    @CsvSource({"deep", "wide", "odd"})
    void shouldDeleteAnyTree(String kind) {
        String script =
                switch (kind) {
                    case "deep" -> DEEP;
                    case "wide" -> WIDE;
                    default -> ODD;
                };
        try (Leased container = roomy(worker())) {
            container.python(script).assertExit(0);
            assertThat(container.delete("/w/t", true)).isEqualTo(new Deleted());
            assertThat(container.shell("ls -A /w")).isEmpty();
        }
    }
}
