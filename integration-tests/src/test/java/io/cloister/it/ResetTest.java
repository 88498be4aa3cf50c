// SPDX-License-Identifier: Apache-2.0
package io.cloister.it;

import static org.assertj.core.api.Assertions.assertThat;

import io.cloister.protocol.container.Mount;
import io.cloister.protocol.message.ResetDone;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The reset command: whatever a program did, the next one cannot see it. */
class ResetTest extends WorkerTest {
    private static final String LIBC = "import ctypes, os\nc = ctypes.CDLL(None, use_errno=True)\n";

    private static void assertAsNew(Leased container) {
        assertThat(container.shell("stat -c '%a %u %g %n' /w /tmp; find /w /tmp -mindepth 1"))
                .isEqualTo("755 1000 1000 /w\n1777 0 0 /tmp\n");
        assertThat(
                        container
                                .python(
                                        """
                                        import os
                                        for d in '/w', '/tmp':
                                            print([n for n in os.listxattr(d) if not n.startswith('security.')])
                                        for kind in 'msg', 'sem', 'shm':
                                            print(len(open('/proc/sysvipc/' + kind).readlines()))
                                        print([n for n in os.listdir('/proc') if n.isdigit()] == ['1', str(os.getpid())])
                                        """)
                                .stdout())
                .isEqualTo("[]\n[]\n1\n1\n1\nTrue\n");
    }

    @Test
    void shouldBeCheapWhenNothingWasUsed() {
        try (Leased container = acquire()) {
            assertThat(container.reset()).isEqualTo(new ResetDone(0));
            container.run("/bin/true").assertExit(0);
            assertThat(container.reset()).isEqualTo(new ResetDone(0));
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"deep", "wide", "odd"})
    void shouldEmptyEveryTree(String kind) {
        String script =
                switch (kind) {
                    case "deep" -> DeleteTest.DEEP;
                    case "wide" -> DeleteTest.WIDE;
                    default -> DeleteTest.ODD;
                };
        try (Leased container = DeleteTest.roomy(worker())) {
            container.python(script).assertExit(0);
            assertThat(container.reset()).isEqualTo(new ResetDone(1));
            assertAsNew(container);
        }
    }

    @Test
    void shouldEmptyBothDirectories() {
        try (Leased container = acquire()) {
            container.shell("echo > /w/f; echo > /tmp/f");
            assertThat(container.reset()).isEqualTo(new ResetDone(2));
            assertAsNew(container);
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "os.chmod('/w', 0o777)",
                "os.chmod('/w', 0)",
                "os.setxattr('/w', 'user.x', b'1')",
                // version 2: the owner rwx, user 1001 r, the group and the mask r, others nothing
                "os.setxattr('/w', 'system.posix_acl_access', bytes.fromhex('02000000"
                        + "01000700ffffffff02000400e9030000"
                        + "04000400ffffffff10000400ffffffff20000000ffffffff'))",
                "os.setxattr('/w', 'system.posix_acl_default', bytes.fromhex('02000000"
                        + "01000700ffffffff04000500ffffffff20000500ffffffff'))"
            })
    void shouldRestoreTheDirectoryItself(String change) {
        try (Leased container = acquire()) {
            Ran ran =
                    container.python(
                            """
                            import errno, os
                            try:
                                %s
                            except OSError as e:
                                if e.errno != errno.EOPNOTSUPP: raise
                            """
                                    .formatted(change));
            ran.assertExit(0);
            assertThat(container.reset()).isInstanceOf(ResetDone.class);
            assertAsNew(container);
        }
    }

    @Test
    void shouldDropSystemVObjectsAndPosixQueues() {
        try (Leased container = acquire()) {
            String queue =
                    """
                    r = ctypes.CDLL('librt.so.1', use_errno=True)
                    q = r.mq_open(b'/left', flags, 0o666, None)
                    """;
            container
                    .python(
                            LIBC
                                    + """
                                    assert c.shmget(1, 4096, 0o1666) >= 0
                                    assert c.semget(2, 3, 0o1666) >= 0
                                    assert c.msgget(3, 0o1666) >= 0
                                    flags = os.O_CREAT | os.O_RDWR
                                    """
                                    + queue
                                    + "assert q >= 0, ctypes.get_errno()\n")
                    .assertExit(0);
            assertThat(container.reset()).isInstanceOf(ResetDone.class);
            container
                    .python(
                            LIBC
                                    + "flags = os.O_RDWR\n"
                                    + queue
                                    + "assert q == -1 and ctypes.get_errno() == 2\n")
                    .assertExit(0);
            assertAsNew(container);
        }
    }

    @Test
    void shouldForgetSockets() {
        try (Leased container = acquire()) {
            container
                    .python(
                            """
                            import socket
                            socket.socket(socket.AF_UNIX).bind('/w/s')
                            socket.socket(socket.AF_UNIX).bind('\\0abstract')
                            """)
                    .assertExit(0);
            assertThat(container.reset()).isEqualTo(new ResetDone(1));
            assertAsNew(container);
            assertThat(container.shell("cat /proc/net/unix | wc -l")).isEqualTo("1\n");
        }
    }

    @Test
    void shouldKeepWhatWasMountedInsideATmpfs() {
        try (Leased container =
                worker().create(
                                worker().standard().toBuilder()
                                        .mount(Mount.Bind.readOnly("/usr/bin", "/w/bin"))
                                        .build())) {
            container.shell("echo > /w/f");
            assertThat(container.reset()).isInstanceOf(ResetDone.class);
            assertThat(container.shell("ls /w; /w/bin/env true")).isEqualTo("bin\n");
        }
    }
}
