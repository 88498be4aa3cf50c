// SPDX-License-Identifier: Apache-2.0
package io.cloister.nativeio.seccomp;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.cloister.nativeio.libc.Architecture;
import io.cloister.nativeio.libc.Linux;
import io.cloister.nativeio.libc.SyscallTable;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.LongStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The running kernel takes the filters and does what they say; no privilege is needed. */
@Timeout(180)
class SeccompKernelTest {

    private static final int SIGSYS = 31;

    @TempDir private Path directory;

    private CProgram program;
    private Path standard;

    @BeforeEach
    void buildProgram() throws IOException, InterruptedException {
        program = CProgram.build("seccomp_try", directory);
        standard = directory.resolve("standard");
        Files.write(standard, SeccompCompiler.compile(SeccompProfiles.standard()).bytes());
    }

    @Test
    void shouldRefuseWhatTheKernelWouldDo() throws Exception {
        Path none = Files.createFile(directory.resolve("none"));
        String[] calls = {
            call("unshare", 0), call("keyctl", 0, -3, 1), call("kcmp", 0), call("clone3", 0)
        };
        List<String> refused = calls(standard, calls);

        assertThat(calls(none, call("unshare", 0))).containsExactly("returned 0");
        assertThat(refused)
                .containsExactly(errno("EPERM"), errno("EPERM"), errno("EPERM"), errno("ENOSYS"));
    }

    @Test
    void shouldLookAtArgumentsAsTheKernelTakesThem() throws Exception {
        long unix = Linux.constant("AF_UNIX");
        long high = 1L << 32;
        List<String> results =
                calls(
                        standard,
                        call("socket", unix, 1, 0),
                        call("socket", unix | high, 1, 0),
                        call("socket", Linux.constant("AF_VSOCK"), 1, 0),
                        call("socket", Linux.constant("AF_ALG") | high, 5, 0),
                        call("personality", 0xffff_ffffL),
                        call("personality", 8 | high),
                        call("setpriority", 0, 1, 0),
                        call("prlimit64", 1, 7, 0, 0),
                        call("prlimit64", 0, 7, 0, 0));

        assertThat(results.get(0)).startsWith("returned");
        assertThat(results.get(1)).startsWith("returned");
        assertThat(results.get(2)).isEqualTo(errno("EAFNOSUPPORT"));
        assertThat(results.get(3)).isEqualTo(errno("EAFNOSUPPORT"));
        assertThat(results.get(4)).startsWith("returned");
        assertThat(results.get(5)).isEqualTo(errno("EPERM"));
        assertThat(results.get(6)).isEqualTo(errno("EPERM"));
        assertThat(results.get(7)).isEqualTo(errno("EPERM"));
        assertThat(results.get(8)).isEqualTo("returned 0");
    }

    @Test
    void shouldDenyTheOtherEntriesOfX86() throws Exception {
        boolean x86 = Architecture.current() == Architecture.X86_64;
        if (!x86) {
            System.out.println("skipped: only x86-64 has int 0x80 and x32");
        }
        assumeTrue(x86, "only x86-64 has int 0x80 and x32");

        assertThat(Linux.constant("X32_SYSCALL_BIT")).isEqualTo(0x4000_0000L);
        // 20 is getpid there
        long noSuchCall = Linux.constant("ENOSYS");
        assertThat(run("int80", standard, "20")).containsExactly("returned -" + noSuchCall);
        assertThat(calls(standard, "0x40000027")).containsExactly("errno " + noSuchCall);
        Path strict = directory.resolve("strict");
        Files.write(strict, SeccompCompiler.compile(SeccompProfiles.strict()).bytes());
        assertThat(run("int80", strict, "20")).containsExactly("signal " + SIGSYS);
        assertThat(calls(strict, "0x40000027")).containsExactly("signal " + SIGSYS);
    }

    @Test
    void shouldTakeAFilterOfManyRulesWithFarJumps() throws Exception {
        List<SeccompRule> rules = new ArrayList<>();
        List<String> names =
                SyscallTable.of(Architecture.current()).names().stream().sorted().toList();
        for (int i = 0; i < 300; i++) {
            rules.add(
                    SeccompRule.of(Action.errno(i + 200), names.get(i))
                            .when(
                                    ArgumentCondition.int64(5).equalTo(0x7_0000_0000L + i),
                                    ArgumentCondition.int64(4).atLeast(0x7_0000_0000L + i)));
        }
        SeccompFilter filter =
                SeccompCompiler.compile(
                        new SeccompPolicy(
                                "many",
                                1,
                                Action.allow(),
                                Action.errno("ENOSYS"),
                                Action.killProcess(),
                                rules));
        Path file = directory.resolve("many");
        Files.write(file, filter.bytes());
        assertThat(filter.listing()).contains("ja ");

        int index = names.indexOf("getpid");
        long value = 0x7_0000_0000L + index;
        assertThat(index).isLessThan(300);
        assertThat(calls(file, call("getpid", 0, 0, 0, 0, value, value)))
                .containsExactly("errno " + (index + 200));
        assertThat(calls(file, call("getpid", 0, 0, 0, 0, value - 1, value)).get(0))
                .startsWith("returned");
    }

    @Test
    void shouldLetCompilersAndRuntimesWork() throws Exception {
        Path source = directory.resolve("hello.c");
        Files.writeString(
                source, "#include <stdio.h>\nint main(void) { puts(\"hello\"); return 0; }\n");
        String hello = directory.resolve("hello").toString();
        execute("cc", "-o", hello, source.toString());
        execute(hello);
        execute(Path.of(System.getProperty("java.home"), "bin", "java").toString(), "-version");
        for (List<String> interpreter :
                List.of(
                        List.of(
                                "python3",
                                "-c",
                                """
                                import threading, subprocess, socket, multiprocessing
                                t = threading.Thread(target=print)
                                t.start()
                                t.join()
                                subprocess.check_call(['true'])
                                socket.socketpair()
                                """),
                        List.of("node", "-e", "require('fs').readdir('/', () => {})"))) {
            if (isInstalled(interpreter.get(0))) {
                execute(interpreter.toArray(String[]::new));
            } else {
                System.out.println("not tried under the filter: no " + interpreter.get(0));
            }
        }
    }

    private static boolean isInstalled(String name) {
        return Arrays.stream(System.getenv("PATH").split(":", -1))
                .anyMatch(entry -> Files.isExecutable(Path.of(entry, name)));
    }

    private void execute(String... command) throws IOException, InterruptedException {
        List<String> arguments = new ArrayList<>(List.of(standard.toString(), "exec"));
        arguments.addAll(Arrays.asList(command));
        CProgram.Result result = program.run("", arguments);
        assertThat(result.exit()).as("%s: %s", command[0], result.errors()).isZero();
    }

    private List<String> calls(Path filter, String... calls)
            throws IOException, InterruptedException {
        return run("call", filter, calls);
    }

    private List<String> run(String mode, Path filter, String... calls)
            throws IOException, InterruptedException {
        List<String> arguments = new ArrayList<>(List.of(filter.toString(), mode));
        arguments.addAll(Arrays.asList(calls));
        CProgram.Result result = program.run("", arguments);
        assertThat(result.exit()).as(result.errors()).isZero();
        return result.lines();
    }

    private static String call(String name, long... arguments) {
        int number = SyscallTable.of(Architecture.current()).number(name).orElseThrow();
        return number
                + LongStream.of(arguments)
                        .mapToObj(value -> ":" + Long.toUnsignedString(value))
                        .collect(Collectors.joining());
    }

    private static String errno(String name) {
        return "errno " + Linux.constant(name);
    }
}
