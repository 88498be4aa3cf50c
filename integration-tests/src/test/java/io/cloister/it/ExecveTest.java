// SPDX-License-Identifier: Apache-2.0
package io.cloister.it;

import static org.assertj.core.api.Assertions.assertThat;

import io.cloister.nativeio.fd.Fd;
import io.cloister.nativeio.fd.MemFd;
import io.cloister.nativeio.fd.Pipe;
import io.cloister.nativeio.libc.LibC;
import io.cloister.protocol.message.Execve;
import io.cloister.protocol.message.ExecveReply;
import io.cloister.protocol.message.Failure;
import io.cloister.protocol.run.Rlimits;
import io.cloister.protocol.unit.ByteSize;
import io.cloister.supervisor.handler.ExecveDescriptors;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** The execve command: what a program is started with, and what cannot be started. */
class ExecveTest extends WorkerTest {
    private static final String LIST_DESCRIPTORS =
            "import os; d = os.open('/proc/self/fd', os.O_RDONLY);"
                    + " print(sorted(int(n) for n in os.listdir(d) if int(n) != d and"
                    + " os.path.exists('/proc/self/fd/' + n)))";

    private static Fd text(String text) throws IOException {
        return MemFd.sealed("text", text.getBytes(StandardCharsets.UTF_8));
    }

    // ---- what it is given -------------------------------------------------------------------

    @Test
    void shouldPassArgumentsAndEnvironmentAsTheyAre() {
        try (Leased container = acquire()) {
            Ran shown =
                    container.run(
                            Execve.of(
                                            "odd name",
                                            "-c",
                                            "import sys,os; print(sys.argv, os.environ.get('B'),"
                                                    + " len(os.environ))",
                                            "",
                                            "\u00fc\n")
                                    .executable("/usr/bin/python3")
                                    .environment(
                                            List.of("A=", "B=\u20ac", "C=1=2", "LC_ALL=C.UTF-8")));
            shown.assertExit(0);
            assertThat(shown.stdout()).isEqualTo("['-c', '', '\u00fc\\n'] \u20ac 4\n");
        }
    }

    @Test
    void shouldLookUpTheProgramInItsOwnPathInsideTheContainer() {
        try (Leased container = acquire()) {
            container.write(
                    "/w/bin/tool", "#!/bin/sh\necho mine\n".getBytes(StandardCharsets.UTF_8), 0755);
            container.write("/w/no/tool", "not executable");
            List<String> path = List.of("PATH=/missing:/w/no:/w/bin:/usr/bin");
            Ran ran = container.run(Execve.of("tool").environment(path));
            ran.assertExit(0);
            assertThat(ran.stdout()).isEqualTo("mine\n");
            container.run("tool").assertFailure(Failure.Kind.NOT_FOUND);
            Ran relative = container.run(Execve.of("bin/tool"));
            assertThat(relative.stdout()).isEqualTo("mine\n");
            container
                    .run(Execve.of("tool").environment(List.of("PATH=/w/no")))
                    .assertFailure(Failure.Kind.NOT_EXECUTABLE);
        }
    }

    @Test
    void shouldGiveExactlyTheDescriptorsThatCame() throws IOException {
        try (Leased container = acquire();
                Fd out = MemFd.writable("out")) {
            Ran ran =
                    container.run(
                            Execve.of("/bin/sh", "-c", "cat <&0; cat <&5; echo err >&2"),
                            Map.of(0, text("zero "), 5, text("five")));
            ran.assertExit(0);
            assertThat(ran.stdout()).isEqualTo("zero five");
            assertThat(ran.stderr()).isEqualTo("err\n");
            assertThat(container.python(LIST_DESCRIPTORS).stdout()).isEqualTo("[0, 1, 2]\n");
            // without any, its streams are /dev/null
            ExecveReply reply =
                    container.execute(
                            Execve.of("/bin/sh", "-c", "ls -l /proc/self/fd >&7; cat")
                                    .descriptors(7)
                                    .build(),
                            ExecveDescriptors.of(Map.of(7, out.duplicate())));
            assertThat(reply).isNotInstanceOf(Failure.class);
            String listed = new String(out.readUpTo(10_000), StandardCharsets.UTF_8);
            assertThat(listed).contains("0 -> /dev/null", "1 -> ", "2 -> /dev/null", "7 -> ");
        }
    }

    @Test
    void shouldPlaceManyDescriptorsInWhateverOrder() throws IOException {
        try (Leased container = acquire()) {
            Map<Integer, Fd> many = new HashMap<>();
            for (int i = 0; i < 240; i++) {
                int number = i % 2 == 0 ? 3 + i / 2 : 1023 - i / 2; // both ends
                many.put(number, text(Integer.toString(number)));
            }
            Ran ran =
                    container.run(
                            Execve.of(
                                    "python3",
                                    "-IS",
                                    "-c",
                                    """
                                    import os
                                    for n in list(range(3, 123)) + list(range(904, 1024)):
                                        assert os.pread(n, 10, 0) == str(n).encode(), n
                                    """),
                            many);
            ran.assertExit(0);
        }
    }

    @Test
    void shouldPlaceASingleDescriptorAtAHighNumber() throws IOException {
        try (Leased container = acquire()) {
            for (int number : new int[] {3, 4, 200}) {
                Ran ran =
                        container.run(
                                Execve.of("cat", "/proc/self/fd/" + number),
                                Map.of(number, text("at " + number)));
                assertThat(ran.assertExit(0).stdout()).isEqualTo("at " + number);
            }
        }
    }

    @Test
    void shouldExecuteADescriptor() throws IOException {
        try (Leased container = acquire()) {
            byte[] program = Files.readAllBytes(Path.of("/bin/echo"));
            Ran ran =
                    container.run(
                            Execve.of("any-name", "hello").executableByDescriptor(),
                            Map.of(),
                            Optional.of(MemFd.executable("program", program)));
            assertThat(ran.assertExit(0).stdout()).isEqualTo("hello\n");
            container
                    .run(
                            Execve.of("any-name").executableByDescriptor(),
                            Map.of(),
                            Optional.of(MemFd.executable("garbage", new byte[] {1, 2, 3})))
                    .assertFailure(Failure.Kind.NOT_EXECUTABLE);
        }
    }

    @Test
    void shouldRunAnEqualRequestWithWhatComesWithItThisTime() throws IOException {
        try (Leased container = acquire()) {
            for (String input : List.of("first", "second")) {
                Ran ran =
                        container.run(
                                Execve.of("/bin/sh", "-c", "cat; cat <&5"),
                                Map.of(0, text(input), 5, text(" of " + input)));
                assertThat(ran.stdout()).isEqualTo(input + " of " + input);
            }
            for (int code = 0; code <= 1; code++) {
                byte[] program =
                        Files.readAllBytes(Path.of(code == 0 ? "/bin/true" : "/bin/false"));
                container
                        .run(
                                Execve.of("any-name").executableByDescriptor(),
                                Map.of(),
                                Optional.of(MemFd.executable("program", program)))
                        .assertExit(code);
            }
        }
    }

    @Test
    void shouldRunAnotherRequestAsThatSays() {
        try (Leased container = acquire()) {
            for (int count : new int[] {20, 30, 20}) {
                Ran ran =
                        container.run(
                                Execve.of("/bin/sh", "-c", "ulimit -n")
                                        .rlimits(Rlimits.builder().openFiles(count).build()));
                assertThat(ran.stdout()).isEqualTo(count + "\n");
            }
            for (String directory : List.of("/w", "/usr", "/w")) {
                Ran ran = container.run(Execve.of("/bin/pwd").workDirectory(directory));
                assertThat(ran.stdout()).isEqualTo(directory + "\n");
            }
        }
    }

    @Test
    void shouldStartInTheGivenDirectory() {
        try (Leased container = acquire()) {
            Ran ran = container.run(Execve.of("/bin/pwd").workDirectory("/usr/bin"));
            assertThat(ran.assertExit(0).stdout()).isEqualTo("/usr/bin\n");
            Failure failure =
                    container.run(Execve.of("/bin/pwd").workDirectory("/no/such")).failure();
            assertThat(failure.describe()).contains("/no/such", "ENOENT");
            assertThat(container.run("/bin/pwd").stdout()).isEqualTo("/w\n");
        }
    }

    // ---- what cannot be started -------------------------------------------------------------

    private static void write(Leased container, String path, String contents) {
        container.write(path, contents.getBytes(StandardCharsets.UTF_8), 0755);
    }

    @Test
    void shouldTellWhyAProgramCannotBeStartedAndGoOn() {
        try (Leased container = acquire()) {
            write(container, "/w/no-interpreter", "#!/no/such/interpreter\n");
            write(container, "/w/garbage", "\1\2\3 no binary");
            write(container, "/w/empty", "");
            container.write("/w/plain", "echo");
            container.shell("mkdir -p /w/dir; mkfifo /w/fifo; chmod 777 /w/fifo");
            Map<String, Failure.Kind> kinds =
                    Map.of(
                            "/no/such/program", Failure.Kind.NOT_FOUND,
                            "/w/plain/below", Failure.Kind.NOT_FOUND,
                            "no-such-name", Failure.Kind.NOT_FOUND,
                            "/w/no-interpreter", Failure.Kind.BAD_INTERPRETER,
                            "/w/garbage", Failure.Kind.NOT_EXECUTABLE,
                            "/w/empty", Failure.Kind.NOT_EXECUTABLE,
                            "/w/plain", Failure.Kind.NOT_EXECUTABLE,
                            "/w/dir", Failure.Kind.NOT_EXECUTABLE,
                            "/w/fifo", Failure.Kind.NOT_EXECUTABLE);
            kinds.forEach((path, kind) -> {
                Failure failure = container.run(path).assertFailure(kind);
                assertThat(failure.describe()).contains(path);
                container.run("/bin/true").assertExit(0);
            });
        }
    }

    @Test
    void shouldRefuseMoreArgumentsThanTheStackLimitAllows() {
        try (Leased container = acquire()) {
            // as many as a request can hold; with the default environment they are more than the
            // 128 KiB that the kernel takes at a small limit: execve(2)
            List<String> argv = List.of("/bin/true", "x".repeat(65_518), "y".repeat(65_518));
            Rlimits small = Rlimits.builder().stack(ByteSize.ofKiB(128)).build();
            container.run(Execve.of(argv).rlimits(small)).assertFailure(Failure.Kind.TOO_LARGE);
            container.run(Execve.of(argv)).assertExit(0);
        }
    }

    @Test
    void shouldPassAsManyArgumentsAsARequestHolds() {
        try (Leased container = acquire()) {
            List<String> argv =
                    IntStream.range(0, 10_000)
                            .mapToObj(i -> i == 0 ? "/bin/echo" : "abc")
                            .collect(Collectors.toList());
            assertThat(container.run(Execve.of(argv)).assertExit(0).out()).hasSize(4 * 9_999);
        }
    }

    @Test
    void shouldRefuseDescriptorsThatDoNotFit() throws IOException {
        try (Leased container = acquire()) {
            Fd closed = text("x");
            closed.close();
            Execve one = Execve.of("/bin/true").descriptors(5).build();
            assertBadDescriptor(container.execute(one, ExecveDescriptors.of(Map.of(5, closed))));
            assertBadDescriptor(container.execute(one, ExecveDescriptors.none()));
            Fd other = text("x");
            assertBadDescriptor(container.execute(one, ExecveDescriptors.of(Map.of(6, other))));
            assertThat(other.isOpen()).as("passes to the container in any case").isFalse();
            Execve byDescriptor = Execve.of("x").executableByDescriptor().build();
            assertBadDescriptor(container.execute(byDescriptor, ExecveDescriptors.none()));
            container.run("/bin/true").assertExit(0);
        }
    }

    private static void assertBadDescriptor(ExecveReply reply) {
        assertThat(reply)
                .isInstanceOfSatisfying(
                        Failure.class,
                        failure ->
                                assertThat(failure.kind()).isEqualTo(Failure.Kind.BAD_DESCRIPTOR));
    }

    @Test
    void shouldCloseTheCallersDescriptorsSoThatPipesEnd() throws IOException {
        try (Leased container = acquire();
                Pipe pipe = Pipe.open("output")) {
            Ran ran =
                    container.run(
                            Execve.of("/bin/sh", "-c", "echo hello >&9"),
                            Map.of(9, pipe.writeEnd()));
            ran.assertExit(0);
            byte[] buffer = new byte[100];
            long n = LibC.read(pipe.readEnd().number(), buffer, 100);
            assertThat(n).isEqualTo(6);
            n = LibC.read(pipe.readEnd().number(), buffer, 100);
            assertThat(n).as("end of file: no other writer").isZero();
        }
    }
}
