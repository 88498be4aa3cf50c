// SPDX-License-Identifier: Apache-2.0
package io.cloister.nativeio.libc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.cloister.nativeio.testkit.Command;
import java.io.IOException;
import java.lang.reflect.Field;
import java.lang.reflect.Modifier;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * Every number that Java has from the build, against a C program that asks the same headers when it
 * runs.
 */
@Timeout(120)
class HeadersTest {
    private static final Path C_SOURCES = Path.of("src/main/c").toAbsolutePath();
    private static final String[] HEADERS = {
        "dirent.h",
        "errno.h",
        "fcntl.h",
        "linux/audit.h",
        "linux/bpf_common.h",
        "linux/capability.h",
        "linux/close_range.h",
        "linux/filter.h",
        "linux/fs.h",
        "linux/futex.h",
        "linux/keyctl.h",
        "linux/landlock.h",
        "linux/magic.h",
        "linux/major.h",
        "linux/openat2.h",
        "linux/prctl.h",
        "linux/sched.h",
        "linux/seccomp.h",
        "linux/securebits.h",
        "poll.h",
        "signal.h",
        "spawn.h",
        "stddef.h",
        "stdio.h",
        "sys/epoll.h",
        "sys/eventfd.h",
        "sys/file.h",
        "sys/ioctl.h",
        "sys/mman.h",
        "sys/mount.h",
        "sys/personality.h",
        "sys/resource.h",
        "sys/socket.h",
        "sys/stat.h",
        "sys/statfs.h",
        "sys/syscall.h",
        "sys/ttydefaults.h",
        "sys/un.h",
        "sys/wait.h",
        "termios.h",
        "time.h",
        "unistd.h"
    };

    /** What is not a macro or an enumerator of its own name. */
    private static final Map<String, String> EXPRESSIONS =
            Map.ofEntries(
                    Map.entry("NSIG", "64"),
                    Map.entry("SIG_IGN", "1"),
                    Map.entry("SIG_DFL", "0"),
                    Map.entry("IOPRIO_WHO_PROCESS", "1"),
                    Map.entry("IOPRIO_WHO_PGRP", "2"),
                    Map.entry("IOPRIO_WHO_USER", "3"),
                    Map.entry("MFD_EXEC", "0x10"),
                    Map.entry("kernel_sigaction_SIZE", "4 * sizeof(long)"),
                    Map.entry("kernel_sigaction_handler", "0"),
                    Map.entry("posix_spawnattr_SIZE", "sizeof(posix_spawnattr_t)"),
                    Map.entry(
                            "posix_spawn_file_actions_SIZE", "sizeof(posix_spawn_file_actions_t)"),
                    Map.entry("sigset_SIZE", "sizeof(sigset_t)"),
                    Map.entry("stat_mode_SIZE", "sizeof(mode_t)"),
                    Map.entry("SOCK_FILTER_SIZE", "sizeof(struct sock_filter)"),
                    Map.entry("SECCOMP_DATA_SIZE", "sizeof(struct seccomp_data)"),
                    Map.entry("SECCOMP_DATA_NR", "offsetof(struct seccomp_data, nr)"),
                    Map.entry("SECCOMP_DATA_ARCH", "offsetof(struct seccomp_data, arch)"),
                    Map.entry(
                            "SECCOMP_DATA_INSTRUCTION_POINTER",
                            "offsetof(struct seccomp_data, instruction_pointer)"),
                    Map.entry("SECCOMP_DATA_ARGS", "offsetof(struct seccomp_data, args)"),
                    Map.entry("LANDLOCK_ACCESS_FS_REFER", "1 << 13"),
                    Map.entry("LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET", "1 << 0"),
                    Map.entry("LANDLOCK_SCOPE_SIGNAL", "1 << 1"),
                    Map.entry("ruleset_SIZE", "3 * sizeof(long)"),
                    Map.entry("ruleset_handled_access_fs", "0"),
                    Map.entry("ruleset_handled_access_net", "sizeof(long)"),
                    Map.entry("ruleset_scoped", "2 * sizeof(long)"),
                    Map.entry("seccomp_notif_nr", "offsetof(struct seccomp_notif, data.nr)"),
                    Map.entry("seccomp_notif_arch", "offsetof(struct seccomp_notif, data.arch)"),
                    Map.entry("SO_PASSPIDFD", "76"),
                    Map.entry("SCM_MAX_FD", "DESCRIPTORS_MAX"),
                    Map.entry("NULL_MINOR", "3"),
                    Map.entry("ZERO_MINOR", "5"),
                    Map.entry("FULL_MINOR", "7"),
                    Map.entry("RANDOM_MINOR", "8"),
                    Map.entry("URANDOM_MINOR", "9"),
                    Map.entry("X32_SYSCALL_BIT", "X32"));

    private static final List<String> STRUCTS =
            List.of(
                    "open_how",
                    "mount_attr",
                    "statfs",
                    "stat",
                    "dirent64",
                    "pollfd",
                    "timespec",
                    "rusage",
                    "__user_cap_header_struct",
                    "__user_cap_data_struct",
                    "sock_fprog",
                    "watch",
                    "landlock_path_beneath_attr",
                    "seccomp_notif_resp",
                    "seccomp_notif",
                    "msghdr",
                    "cmsghdr",
                    "iovec",
                    "epoll_event",
                    "statx",
                    "ucred",
                    "sockaddr_un",
                    "timeval",
                    "termios",
                    "winsize");

    @TempDir private Path directory;

    @Test
    void shouldHaveTheHeadersConstantsAndLayouts() throws Exception {
        Map<String, Long> ours = new TreeMap<>();
        for (Field field : Linux.class.getFields()) {
            if (Modifier.isStatic(field.getModifiers())) {
                ours.put(field.getName(), ((Number) field.get(null)).longValue());
            }
        }
        Map<String, String> expressions = new TreeMap<>();
        ours.keySet().forEach(name -> expressions.put(name, expression(name)));

        Map<String, Long> theirs = evaluate(expressions);

        assertThat(ours).hasSizeGreaterThan(250);
        ours.replaceAll((name, value) -> isInt(name) ? (long) value.intValue() : value);
        theirs.replaceAll((name, value) -> isInt(name) ? (long) value.intValue() : value);
        assertThat(ours).isEqualTo(theirs);
    }

    @Test
    void shouldHaveTheWireLayoutOfInit() throws Exception {
        Map<String, Long> layout =
                evaluate(
                        Map.of(
                                "instruction", "sizeof(struct instruction)",
                                "message", "sizeof(struct message)",
                                "reply", "sizeof(struct reply)",
                                "serial", "offsetof(struct message, serial)",
                                "results", "RESULTS_SIZE",
                                "descriptors", "DESCRIPTORS_SIZE",
                                "apart", "MESSAGE_AT + MESSAGE_MAX <= 1UL << 32"));

        assertThat(layout)
                .containsEntry("instruction", 56L)
                .containsEntry("message", 16L)
                .containsEntry("reply", 16L)
                .containsEntry("serial", 8L)
                .containsEntry("apart", 1L);
        assertThat(Linux.RESULTS_AT + layout.get("results"))
                .isLessThanOrEqualTo(Linux.DESCRIPTORS_AT);
        assertThat(Linux.DESCRIPTORS_AT + layout.get("descriptors"))
                .isLessThanOrEqualTo(Linux.MESSAGE_AT);
    }

    @Test
    void shouldHaveTheHeadersSystemCallNumbers() throws Exception {
        SyscallTable table = SyscallTable.of(Architecture.current());
        Map<String, String> expressions = new TreeMap<>();
        table.names().forEach(name -> expressions.put(name, "__NR_" + name));

        Map<String, Long> theirs = evaluate(expressions);

        assertThat(theirs).hasSizeGreaterThan(300);
        for (Map.Entry<String, Long> call : theirs.entrySet()) {
            assertThat(table.number(call.getKey()))
                    .as(call.getKey())
                    .hasValue(call.getValue().intValue());
            assertThat(table.name(call.getValue().intValue()).flatMap(n -> number(table, n)))
                    .contains(call.getValue().intValue());
        }
        for (Sys sys : Sys.values()) {
            assertThat((long) sys.number()).isEqualTo(theirs.get(sys.lowerCaseName()));
        }
    }

    @Test
    void shouldKnowNoCallThatIsNone() {
        SyscallTable table = SyscallTable.of(Architecture.current());

        assertThat(table.number("no_such_call")).isEmpty();
        assertThat(table.name(-1)).isEmpty();
        assertThat(table.name(Linux.FORK)).isEmpty();
    }

    @Test
    void shouldSayWhichConstantIsNotListed() {
        assertThatThrownBy(() -> Linux.constant("O_NONSENSE"))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("O_NONSENSE");
    }

    private static java.util.Optional<Integer> number(SyscallTable table, String name) {
        return table.number(name).stream().boxed().findFirst();
    }

    private static boolean isInt(String name) {
        try {
            return Linux.class.getField(name).getType() == int.class;
        } catch (NoSuchFieldException e) {
            return false;
        }
    }

    private static String expression(String name) {
        String special = EXPRESSIONS.get(name);
        if (special != null) {
            return special;
        }
        for (String struct : STRUCTS) {
            if (name.equals(struct + "_SIZE")) {
                return "sizeof(struct " + struct + ")";
            }
            if (name.startsWith(struct + "_")) {
                String field = name.substring(struct.length() + 1);
                return "offsetof(struct " + struct + ", " + field + ")";
            }
        }
        return name;
    }

    /** Has a C program print what each expression is. */
    private Map<String, Long> evaluate(Map<String, String> expressions)
            throws IOException, InterruptedException {
        String source =
                "#define _GNU_SOURCE\n"
                        + Arrays.stream(HEADERS)
                                .map(header -> "#include <" + header + ">\n")
                                .collect(Collectors.joining())
                        + "#include \"init.h\"\n"
                        + "#ifdef __X32_SYSCALL_BIT\n#define X32 __X32_SYSCALL_BIT\n"
                        + "#else\n#define X32 0\n#endif\n"
                        + "int main(void)\n{\n"
                        + expressions.entrySet().stream()
                                .map(e ->
                                        "    printf(\"%s %ld\\n\", \""
                                                + e.getKey()
                                                + "\", (long)("
                                                + e.getValue()
                                                + "));\n")
                                .collect(Collectors.joining())
                        + "    return 0;\n}\n";
        Path file = Files.writeString(directory.resolve("print.c"), source);
        Path program = directory.resolve("print");
        List<String> cc = new ArrayList<>(List.of("cc", "-std=gnu11", "-w", "-O0"));
        cc.addAll(List.of("-I", C_SOURCES.toString(), "-o", program.toString(), file.toString()));
        Command.run(directory, Duration.ofSeconds(60), cc).orFail();
        Map<String, Long> values = new TreeMap<>();
        for (String line :
                Command.run(directory, Duration.ofSeconds(20), List.of(program.toString()))
                        .orFail()
                        .lines()) {
            String[] words = line.split(" ");
            values.put(words[0], Long.valueOf(words[1]));
        }
        return values;
    }
}
