// SPDX-License-Identifier: Apache-2.0
package io.cloister.nativeio.seccomp;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.cloister.nativeio.libc.Architecture;
import io.cloister.nativeio.libc.Linux;
import io.cloister.nativeio.libc.SyscallTable;
import io.cloister.nativeio.seccomp.BpfInterpreter.Call;
import io.cloister.nativeio.seccomp.BpfInterpreter.Outcome;
import io.cloister.nativeio.seccomp.SeccompFilter.Listener;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(60)
class SeccompProfilesTest {

    private static final long HIGH = 0x1234_5678_0000_0000L;

    @ParameterizedTest
    @ValueSource(
            strings = {
                "unshare",
                "setns",
                "chroot",
                "mount",
                "umount2",
                "pivot_root",
                "ptrace",
                "process_vm_readv",
                "process_vm_writev",
                "kcmp",
                "pidfd_getfd",
                "add_key",
                "request_key",
                "keyctl",
                "bpf",
                "perf_event_open",
                "userfaultfd",
                "fanotify_init",
                "name_to_handle_at",
                "open_by_handle_at",
                "mbind",
                "set_mempolicy",
                "migrate_pages",
                "move_pages",
                "syslog",
                "init_module",
                "finit_module",
                "delete_module",
                "kexec_load",
                "swapon",
                "swapoff",
                "reboot",
                "settimeofday",
                "clock_settime",
                "adjtimex",
                "clock_adjtime",
                "acct",
                "quotactl",
                "vhangup",
                "nfsservctl"
            })
    void shouldNotPermit(String call) {
        assertEachArchitecture(call, Action.errno("EPERM"));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "clone3",
                "io_uring_setup",
                "io_uring_enter",
                "io_uring_register",
                "open_tree",
                "move_mount",
                "fsopen",
                "fsconfig",
                "fsmount",
                "fspick",
                "mount_setattr"
            })
    void shouldPretendNotToKnow(String call) {
        assertEachArchitecture(call, Action.errno("ENOSYS"));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "read",
                "write",
                "openat",
                "execve",
                "exit_group",
                "mmap",
                "futex",
                "kill",
                "tgkill",
                "wait4",
                "pipe2",
                "epoll_pwait",
                "eventfd2",
                "memfd_create",
                "setuid",
                "setresuid",
                "shmget",
                "semop",
                "mq_open",
                "flock",
                "rseq",
                "getrandom",
                "sched_getaffinity",
                "get_mempolicy",
                "membarrier",
                "prctl",
                "landlock_create_ruleset",
                "statx",
                "openat2",
                "close_range"
            })
    void shouldAllowWithoutALookAtTheArguments(String call) {
        for (Profile profile : Profile.all()) {
            Outcome outcome = profile.trace(call, -1, -1, -1, -1, -1, -1);
            assertThat(outcome.returned()).as(call).isEqualTo(Action.allow().returnValue());
            // what the kernel's cache of always allowed numbers depends on
            assertThat(outcome.sawArguments()).as(call).isFalse();
        }
    }

    @Test
    void shouldAllowForkingAndThreadsButNoNamespaces() {
        long thread = 0x3d0f00;
        assertAllowed("clone", 17);
        assertAllowed("clone", thread);
        for (String flag :
                new String[] {
                    "CLONE_NEWNS",
                    "CLONE_NEWCGROUP",
                    "CLONE_NEWUTS",
                    "CLONE_NEWIPC",
                    "CLONE_NEWUSER",
                    "CLONE_NEWPID",
                    "CLONE_NEWNET"
                }) {
            assertRefused("clone", "EPERM", constant(flag));
            assertRefused("clone", "EPERM", constant(flag) | thread);
            assertRefused("clone", "EPERM", constant(flag) | HIGH);
        }
    }

    @Test
    void shouldAllowOnlyNamespacedSocketFamilies() {
        Set<Long> allowed = Set.of(constant("AF_UNIX"), constant("AF_INET"), constant("AF_INET6"));
        for (String call : new String[] {"socket", "socketpair"}) {
            for (long family = 0; family < 64; family++) {
                for (long given : new long[] {family, family | HIGH}) {
                    if (allowed.contains(family)) {
                        assertAllowed(call, given, 1, 0);
                        assertAllowed(call, given, 1, 6);
                    } else if (family == constant("AF_NETLINK")) {
                        assertAllowed(call, given, 3, 0);
                        assertAllowed(call, given, 3, HIGH);
                        assertRefused(call, "EAFNOSUPPORT", given, 3, 12);
                    } else {
                        assertRefused(call, "EAFNOSUPPORT", given, 1, 0);
                    }
                }
            }
        }
        assertRefused("socket", "EAFNOSUPPORT", constant("AF_VSOCK"), 1, 0);
        assertRefused("socket", "EAFNOSUPPORT", -1, 1, 0);
    }

    @Test
    void shouldKeepTerminalsFromBeingTypedInto() {
        for (String command : new String[] {"TIOCSTI", "TIOCLINUX"}) {
            assertRefused("ioctl", "EPERM", 0, constant(command));
            assertRefused("ioctl", "EPERM", 0, constant(command) | HIGH);
            assertAllowed("ioctl", constant(command), constant(command) + 1);
        }
        assertAllowed("ioctl", 1, 0x5401);
    }

    @Test
    void shouldRefuseFilterListeners() {
        long listener = constant("SECCOMP_FILTER_FLAG_NEW_LISTENER");
        assertAllowed("seccomp", 1, 0);
        assertAllowed("seccomp", 1, constant("SECCOMP_FILTER_FLAG_TSYNC"));
        assertRefused("seccomp", "EPERM", 1, listener);
        assertRefused("seccomp", "EPERM", 1, listener | 1);
        assertRefused("seccomp", "EPERM", 1, listener | HIGH);
    }

    @Test
    void shouldAllowOrdinaryPersonalities() {
        for (long persona : new long[] {0, 0xffff_ffffL, -1, constant("ADDR_NO_RANDOMIZE")}) {
            assertAllowed("personality", persona);
        }
        for (long persona : new long[] {1, 8, 0x0400000, constant("ADDR_NO_RANDOMIZE") | 1}) {
            assertRefused("personality", "EPERM", persona);
            assertRefused("personality", "EPERM", persona | HIGH);
        }
    }

    @Test
    void shouldKeepPid1sLimitsAndScheduling() {
        assertAllowed("prlimit64", 0, 3, 1, 1);
        assertAllowed("prlimit64", HIGH, 3, 1, 1);
        for (long pid : new long[] {1, 2, 1 | HIGH, -1}) {
            assertRefused("prlimit64", "EPERM", pid, 3, 1, 1);
        }
        for (String call :
                new String[] {
                    "sched_setaffinity", "sched_setscheduler", "sched_setparam", "sched_setattr"
                }) {
            assertAllowed(call, 0, 1, 1);
            assertAllowed(call, 2, 1, 1);
            assertRefused(call, "EPERM", 1, 1, 1);
            assertRefused(call, "EPERM", 1 | HIGH, 1, 1);
        }
        for (String call : new String[] {"setpriority", "ioprio_set"}) {
            long process = call.equals("setpriority") ? constant("PRIO_PROCESS") : 1;
            long user = constant(call.equals("setpriority") ? "PRIO_USER" : "IOPRIO_WHO_USER");
            assertAllowed(call, process, 0, 5);
            assertAllowed(call, process, 7, 5);
            assertRefused(call, "EPERM", process, 1, 5);
            assertRefused(call, "EPERM", process, 1 | HIGH, 5);
            assertRefused(call, "EPERM", process + 1, 1, 5);
            assertRefused(call, "EPERM", user, 1000, 5);
            assertRefused(call, "EPERM", user | HIGH, 0, 5);
        }
    }

    @Test
    void shouldDecideEveryNumberAsTheProfileReads() {
        for (Profile profile : Profile.all()) {
            Set<Integer> numbers = new LinkedHashSet<>(profile.numbers().values());
            for (int i = -3; i < 1100; i++) {
                numbers.add(i);
            }
            for (int bit = 10; bit < 32; bit++) {
                numbers.addAll(Arrays.asList(1 << bit, (1 << bit) - 1, (1 << bit) + 1));
            }
            SplittableRandom random = new SplittableRandom(3);
            long[] values = {0, 1, 2, 3, 8, 16, 0x5412, 0x541c, 0x40000, 0x10000000, -1, HIGH};
            for (int number : numbers) {
                for (int i = 0; i < 50; i++) {
                    long[] arguments =
                            random.ints(6, 0, values.length).mapToLong(at -> values[at]).toArray();
                    Call call = Call.of(profile.auditArchitecture(), number, arguments);
                    assertThat(profile.interpreter().run(call))
                            .as("%d%s", number, Arrays.toString(arguments))
                            .isEqualTo(profile.naive().decide(call).returnValue());
                }
            }
        }
    }

    @Test
    void shouldPretendNotToKnowCallsYoungerThanTheHeaders() {
        for (Profile profile : Profile.all()) {
            int youngest = profile.numbers().values().stream().max(Integer::compare).orElseThrow();
            Call call = Call.of(profile.auditArchitecture(), youngest + 1);
            assertThat(profile.interpreter().run(call))
                    .isEqualTo(Action.errno("ENOSYS").returnValue());
        }
    }

    @Test
    void shouldNameMoreThanFiftyCallsInAShortFilter() {
        Set<String> named = new TreeSet<>();
        SeccompProfiles.standard().rules().forEach(rule -> named.addAll(rule.calls()));

        assertThat(named).hasSizeGreaterThan(50);
        for (Profile profile : Profile.all()) {
            // each instruction and each step is paid for at every exec
            assertThat(profile.filter().length()).isLessThanOrEqualTo(110);
            double steps =
                    profile.numbers().values().stream()
                            .map(number -> Call.of(profile.auditArchitecture(), number))
                            .mapToInt(call -> profile.interpreter().trace(call).steps())
                            .average()
                            .orElseThrow();
            assertThat(steps).isLessThan(12);
        }
    }

    @Test
    void shouldNotDependOnHeadersOfTheOtherArchitecture() {
        for (Architecture architecture : Architecture.values()) {
            Profile profile = Profile.of(architecture);
            if (profile != null) {
                SeccompFilter alone =
                        SeccompCompiler.compile(
                                SeccompProfiles.standard(),
                                architecture,
                                profile.numbers(),
                                name -> false);
                assertThat(alone.bytes()).isEqualTo(profile.filter().bytes());
            }
        }
    }

    @ParameterizedTest
    @EnumSource(Architecture.class)
    void shouldCompileForEveryArchitectureWithHeaders(Architecture architecture) {
        Profile profile = Profile.of(architecture);
        if (profile == null) {
            System.out.println("skipped: this build has no headers of " + architecture);
        }
        assumeTrue(profile != null, "no headers of " + architecture);

        assertThat(profile.filter().isEmpty()).isFalse();
    }

    @Test
    void shouldFindProfilesByNameAndVersion() {
        assertThat(SeccompProfiles.find("default")).contains(SeccompProfiles.standard());
        assertThat(SeccompProfiles.find("default/2")).contains(SeccompProfiles.standard());
        assertThat(SeccompProfiles.find("strict")).contains(SeccompProfiles.strict());
        assertThat(SeccompProfiles.find("none")).contains(SeccompProfiles.none());
        assertThat(SeccompProfiles.find("default/1")).isEmpty();
        assertThat(SeccompProfiles.find("")).isEmpty();
    }

    @Test
    void shouldCompileNoneToNothing() {
        assertThat(SeccompCompiler.compile(SeccompProfiles.none()).isEmpty()).isTrue();
    }

    @Test
    void shouldLetPassAndReportWhatItWouldRefuseInATrial() {
        SeccompFilter filter = SeccompCompiler.compile(SeccompProfiles.standard().learning());
        SyscallTable table = SyscallTable.of(Architecture.current());
        BpfInterpreter interpreter = new BpfInterpreter(filter.bytes());
        int own = Profile.current().auditArchitecture();

        assertThat(filter.listener()).isEqualTo(Listener.LEARNS);
        assertThat(interpreter.run(Call.of(own, table.number("bpf").orElseThrow())))
                .isEqualTo(Action.learn().returnValue());
        assertThat(interpreter.run(Call.of(own, table.number("read").orElseThrow())))
                .isEqualTo(Action.allow().returnValue());
        assertThat(interpreter.run(Call.of(own + 1, 20)))
                .isEqualTo(Action.errno("ENOSYS").returnValue());
    }

    @Test
    void shouldRunTheDefaultProfileWithoutListenerAndToken() {
        SeccompFilter filter = SeccompCompiler.compile(SeccompProfiles.standard().forRun());

        assertThat(filter.bytes()).isEqualTo(Profile.current().filter().bytes());
        assertThat(filter.listener()).isEqualTo(Listener.NONE);
        assertThat(filter.needsToken()).isFalse();
    }

    private static void assertEachArchitecture(String call, Action action) {
        for (Profile profile : Profile.all()) {
            if (!profile.numbers().containsKey(call)) {
                continue;
            }
            for (long[] arguments : new long[][] {{}, {-1, -1, -1, -1, -1, -1}}) {
                assertThat(profile.trace(call, arguments).returned())
                        .isEqualTo(action.returnValue());
            }
        }
        assertThat(SyscallTable.of(Architecture.current()).names()).contains(call);
    }

    private static void assertAllowed(String call, long... arguments) {
        assertDecision(call, Action.allow(), arguments);
    }

    private static void assertRefused(String call, String errno, long... arguments) {
        assertDecision(call, Action.errno(errno), arguments);
    }

    private static void assertDecision(String call, Action action, long... arguments) {
        for (Profile profile : Profile.all()) {
            assertThat(profile.trace(call, arguments).returned())
                    .as("%s%s", call, Arrays.toString(arguments))
                    .isEqualTo(action.returnValue());
        }
    }

    private static long constant(String name) {
        return Linux.constant(name);
    }

    /** The default profile, compiled for an architecture. */
    private record Profile(
            int auditArchitecture,
            Map<String, Integer> numbers,
            SeccompFilter filter,
            BpfInterpreter interpreter,
            NaivePolicy naive) {

        private static final Map<Architecture, Profile> COMPILED = compileAll();

        private static Map<Architecture, Profile> compileAll() {
            Map<Architecture, Profile> compiled = new HashMap<>();
            for (Architecture architecture : Architecture.values()) {
                try {
                    compiled.put(architecture, compile(architecture));
                } catch (UnsupportedOperationException e) {
                    System.out.println("skipped: " + e.getMessage());
                }
            }
            return compiled;
        }

        private static Profile compile(Architecture architecture) {
            SyscallTable table = SyscallTable.of(architecture);
            Map<String, Integer> numbers = new HashMap<>();
            table.names().forEach(name -> numbers.put(name, table.number(name).orElseThrow()));
            SeccompPolicy policy = SeccompProfiles.standard();
            SeccompFilter filter = SeccompCompiler.compile(policy, architecture);
            String audit =
                    switch (architecture) {
                        case X86_64 -> "AUDIT_ARCH_X86_64";
                        case AARCH64 -> "AUDIT_ARCH_AARCH64";
                    };
            return new Profile(
                    (int) Linux.constant(audit),
                    numbers,
                    filter,
                    new BpfInterpreter(filter.bytes()),
                    new NaivePolicy(policy, architecture, numbers));
        }

        static Iterable<Profile> all() {
            return COMPILED.values();
        }

        static @Nullable Profile of(Architecture architecture) {
            return COMPILED.get(architecture);
        }

        static Profile current() {
            return compile(Architecture.current());
        }

        Outcome trace(String call, long... arguments) {
            Integer number = numbers.get(call);
            if (number == null) {
                throw new AssertionError("no such call here: " + call);
            }
            return interpreter.trace(Call.of(auditArchitecture, number, arguments));
        }
    }
}
