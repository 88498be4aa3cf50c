// SPDX-License-Identifier: Apache-2.0
package io.cloister.nativeio.seccomp;

import static org.assertj.core.api.Assertions.assertThat;

import io.cloister.nativeio.libc.Architecture;
import io.cloister.nativeio.libc.Linux;
import io.cloister.nativeio.libc.SyscallTable;
import io.cloister.nativeio.seccomp.BpfInterpreter.Call;
import io.cloister.nativeio.seccomp.SeccompFilter.Listener;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What {@code strict/1} decides, as it is installed for a run. */
@Timeout(60)
class StrictProfileTest {
    private static final long TOKEN = 0x0123_4567_89ab_cdefL;
    private static final SeccompFilter FILTER =
            SeccompCompiler.compile(SeccompProfiles.strict().forRun());
    private static final BpfInterpreter INTERPRETER = new BpfInterpreter(FILTER.bytes(TOKEN));

    @ParameterizedTest
    @ValueSource(
            strings = {
                "execve",
                "execveat",
                "wait4",
                "socket",
                "connect",
                "sendmsg",
                "unlinkat",
                "mkdirat",
                "renameat2",
                "ftruncate",
                "fallocate",
                "chdir",
                "getdents64",
                "ptrace",
                "bpf",
                "seccomp",
                "unshare",
                "mount",
                "memfd_create",
                "shmget",
                "mq_open",
                "io_uring_setup",
                "openat2",
                "landlock_create_ruleset",
                "setpriority",
                "sched_setaffinity",
                "setresuid",
                "rt_sigqueueinfo",
                "pidfd_open",
                "keyctl"
            })
    void shouldReport(String call) {
        assertDecision(Action.report(), call);
        assertDecision(Action.report(), call, -1, -1, -1, -1, -1, -1);
    }

    @Test
    void shouldAllowThreadsButNoProcesses() {
        long thread = 0x3d0f00;
        assertDecision(Action.allow(), "clone", thread);
        assertDecision(Action.report(), "clone", constant("SIGCHLD"));
        assertDecision(
                Action.report(),
                "clone",
                constant("CLONE_VM") | constant("CLONE_VFORK") | constant("SIGCHLD"));
        assertDecision(Action.errno("ENOSYS"), "clone3");
    }

    @Test
    void shouldDenyReadingFilesAndReportWriting() {
        long closing = constant("O_CLOEXEC");
        for (String call : new String[] {"open", "openat"}) {
            if (SyscallTable.of(Architecture.current()).number(call).isEmpty()) {
                continue;
            }
            long[] reading = flags(call, closing);
            assertDecision(Action.errno("EACCES"), call, reading);
            for (String flag : new String[] {"O_WRONLY", "O_RDWR", "O_CREAT", "O_TRUNC"}) {
                assertDecision(Action.report(), call, flags(call, closing | constant(flag)));
            }
        }
    }

    private static long[] flags(String call, long flags) {
        return call.equals("open") ? new long[] {0, flags} : new long[] {-100, 0, flags};
    }

    @Test
    void shouldAnswerTheProbesOfRuntimes() {
        assertDecision(Action.allow(), "ioctl", 1, constant("TCGETS"));
        assertDecision(Action.errno("ENOTTY"), "ioctl", 1, constant("TIOCSTI"));
        assertDecision(Action.allow(), "prctl", constant("PR_SET_NAME"));
        assertDecision(Action.errno("EINVAL"), "prctl", constant("PR_SET_DUMPABLE"));
        assertDecision(Action.allow(), "newfstatat", 1, 0, 0, constant("AT_EMPTY_PATH"));
        assertDecision(Action.errno("EACCES"), "newfstatat", -100, 0, 0, 0);
        assertDecision(Action.errno("EACCES"), "readlinkat");
        assertDecision(Action.allow(), "prlimit64", 0, 3, 1, 1);
        assertDecision(Action.report(), "prlimit64", 1, 3, 1, 1);
        assertDecision(Action.errno("ENOSYS"), "splice");
    }

    @Test
    void shouldLetTheStartPassByItsTokenOnly() {
        assertThat(FILTER.needsToken()).isTrue();
        assertThat(FILTER.listener()).isEqualTo(Listener.ENDS_RUN);
        for (String call : new String[] {"execve", "execveat", "sendmsg"}) {
            assertDecision(Action.allow(), call, 3, 0, 0, 0, 0, TOKEN);
            for (int bit = 0; bit < Long.SIZE; bit++) {
                assertDecision(Action.report(), call, 3, 0, 0, 0, 0, TOKEN ^ 1L << bit);
            }
            assertDecision(Action.report(), call, TOKEN, TOKEN, TOKEN, TOKEN, TOKEN, 0);
        }
        assertDecision(Action.report(), "wait4", 0, 0, 0, 0, 0, TOKEN);
    }

    @ParameterizedTest
    @EnumSource(Architecture.class)
    void shouldDecideEveryCallAsTheProfileReads(Architecture architecture) {
        SyscallTable table = SyscallTable.of(architecture);
        Map<String, Integer> numbers = new HashMap<>();
        table.names().forEach(name -> numbers.put(name, table.number(name).orElseThrow()));
        SeccompPolicy policy = SeccompProfiles.strict();
        BpfInterpreter interpreter =
                new BpfInterpreter(SeccompCompiler.compile(policy, architecture).bytes());
        NaivePolicy naive = new NaivePolicy(policy, architecture, numbers);
        String audit =
                architecture == Architecture.X86_64 ? "AUDIT_ARCH_X86_64" : "AUDIT_ARCH_AARCH64";
        SplittableRandom random = new SplittableRandom(5);
        long[] values = {0, 1, 2, 0x40, 0x200, 0x241, 0x10000, 0x1000, 0x5401, 15, -1, 1L << 40};
        Set<Integer> all = new TreeSet<>(numbers.values());
        all.addAll(Set.of(-1, 9999, 0x4000_0000, 0x4000_0027));
        for (int number : all) {
            for (int i = 0; i < 50; i++) {
                long[] arguments =
                        random.ints(6, 0, values.length).mapToLong(at -> values[at]).toArray();
                Call call = Call.of((int) Linux.constant(audit), number, arguments);
                assertThat(interpreter.run(call))
                        .as("%d%s", number, Arrays.toString(arguments))
                        .isEqualTo(naive.decide(call).returnValue());
            }
        }
    }

    private static void assertDecision(Action action, String call, long... arguments) {
        String own =
                Architecture.current() == Architecture.X86_64
                        ? "AUDIT_ARCH_X86_64"
                        : "AUDIT_ARCH_AARCH64";
        int number = SyscallTable.of(Architecture.current()).number(call).orElseThrow();
        assertThat(INTERPRETER.run(Call.of((int) Linux.constant(own), number, arguments)))
                .as("%s%s", call, Arrays.toString(arguments))
                .isEqualTo(action.returnValue());
    }

    private static long constant(String name) {
        return Linux.constant(name);
    }
}
