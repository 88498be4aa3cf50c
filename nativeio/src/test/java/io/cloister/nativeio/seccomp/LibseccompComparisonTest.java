// SPDX-License-Identifier: Apache-2.0
package io.cloister.nativeio.seccomp;

import static io.cloister.nativeio.seccomp.ArgumentCondition.int64;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.cloister.nativeio.libc.Architecture;
import io.cloister.nativeio.libc.Linux;
import io.cloister.nativeio.libc.SyscallTable;
import io.cloister.nativeio.seccomp.Action.Errno;
import io.cloister.nativeio.seccomp.ArgumentCondition.Width;
import io.cloister.nativeio.seccomp.BpfInterpreter.Call;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.TreeSet;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** An independent compiler must come to the same decisions, where it can express the policy. */
@Timeout(180)
class LibseccompComparisonTest {

    private static final Architecture ARCHITECTURE = Architecture.current();
    private static final int CALLS = 200_000;
    private static final long[] VALUES = {
        0,
        1,
        2,
        3,
        7,
        8,
        16,
        0x7fff_ffffL,
        0x8000_0000L,
        0xffff_ffffL,
        0x1_0000_0000L,
        0x1_0000_0001L,
        0x5_0000_0005L,
        0x6_0000_0000L,
        0x4_ffff_ffffL,
        Long.MIN_VALUE,
        -1
    };

    @TempDir private Path directory;

    @BeforeEach
    void requireLibseccomp() throws IOException, InterruptedException {
        boolean installed = CProgram.canBuildWith("seccomp.h", "seccomp", directory);
        if (!installed) {
            System.out.println("skipped: no comparison with libseccomp without libseccomp-dev");
        }
        assumeTrue(installed, "libseccomp-dev is not installed");
    }

    @Test
    void shouldDecideTheDefaultProfileAsLibseccompDoes() throws Exception {
        // libseccomp has neither an order of rules nor 32-bit comparisons: leave out the calls
        // that have exceptions, and compare all 64 bits on both sides.
        Set<String> withExceptions = new TreeSet<>();
        for (SeccompRule rule : SeccompProfiles.standard().rules()) {
            if (rule.action().equals(Action.allow())) {
                withExceptions.addAll(rule.calls());
            }
        }
        List<SeccompRule> rules = new ArrayList<>();
        for (SeccompRule rule : SeccompProfiles.standard().rules()) {
            Set<String> calls = new TreeSet<>(rule.calls());
            calls.removeAll(withExceptions);
            if (!calls.isEmpty()) {
                rules.add(
                        new SeccompRule(
                                rule.action(),
                                new TreeSet<>(calls),
                                rule.conditions().stream()
                                        .map(LibseccompComparisonTest::widened)
                                        .toList(),
                                rule.optional()));
            }
        }
        compare(rules);
    }

    @Test
    void shouldCompareArgumentsAsLibseccompDoes() throws Exception {
        long value = 0x5_0000_0005L;
        Action one = Action.errno(1);
        compare(
                List.of(
                        SeccompRule.of(one, "read").when(int64(0).equalTo(value)),
                        SeccompRule.of(one, "write").when(int64(1).notEqualTo(value)),
                        SeccompRule.of(one, "close").when(int64(2).lessThan(value)),
                        SeccompRule.of(one, "openat").when(int64(3).atMost(value)),
                        SeccompRule.of(one, "mmap").when(int64(4).greaterThan(value)),
                        SeccompRule.of(one, "mprotect").when(int64(5).atLeast(value)),
                        SeccompRule.of(one, "munmap")
                                .when(int64(0).maskedEqualTo(0x5_0000_000fL, 0x1_0000_0001L)),
                        SeccompRule.of(one, "brk").when(int64(0).atLeast(0x1_0000_0000L)),
                        SeccompRule.of(one, "futex").when(int64(0).greaterThan(0xffff_ffffL)),
                        SeccompRule.of(one, "getpid")
                                .when(int64(0).greaterThan(7), int64(1).atMost(7))));
    }

    private void compare(List<SeccompRule> rules) throws IOException, InterruptedException {
        SeccompPolicy policy =
                new SeccompPolicy(
                        "compared", 1, Action.allow(), Action.allow(), Action.killProcess(), rules);
        SyscallTable table = SyscallTable.of(ARCHITECTURE);
        SeccompFilter filter = SeccompCompiler.compile(policy, ARCHITECTURE);
        CProgram.Result theirs =
                CProgram.build("libseccomp_export", directory, "-lseccomp")
                        .run(describe(rules, table), List.of());
        assertThat(theirs.exit()).as(theirs.errors()).isZero();
        System.out.printf(
                "%d instructions, libseccomp %d%n",
                filter.length(), theirs.bytes().length / BpfInstruction.BYTES);

        BpfInterpreter ours = new BpfInterpreter(filter.bytes());
        BpfInterpreter other = new BpfInterpreter(theirs.bytes());
        SplittableRandom random = new SplittableRandom(7);
        List<Integer> named =
                rules.stream()
                        .flatMap(rule -> rule.calls().stream())
                        .flatMapToInt(name -> table.number(name).stream())
                        .boxed()
                        .toList();
        for (int i = 0; i < CALLS; i++) {
            int number = number(random, named);
            long[] arguments = new long[6];
            for (int j = 0; j < arguments.length; j++) {
                arguments[j] = VALUES[random.nextInt(VALUES.length)] + random.nextInt(6) / 5;
            }
            int architecture = random.nextInt(100) == 0 ? random.nextInt() : ours();
            Call call = Call.of(architecture, number, arguments);
            int expected = other.run(call);
            if (ours.run(call) != expected) {
                assertThat(ours.run(call)).as("%s of%n%s", call, rules).isEqualTo(expected);
            }
        }
    }

    private static int number(SplittableRandom random, List<Integer> named) {
        return switch (random.nextInt(4)) {
            case 0 -> random.nextInt(600);
            // libseccomp lets a tracer's -1 through, we have no tracer
            case 1 -> Math.min(random.nextInt(), -2) & (random.nextBoolean() ? -1 : 0x7fff_ffff);
            default -> named.get(random.nextInt(named.size()));
        };
    }

    private static int ours() {
        return (int)
                Linux.constant(
                        ARCHITECTURE == Architecture.X86_64
                                ? "AUDIT_ARCH_X86_64"
                                : "AUDIT_ARCH_AARCH64");
    }

    private static ArgumentCondition widened(ArgumentCondition condition) {
        long mask =
                condition.mask() == condition.width().bits() ? Width.LONG.bits() : condition.mask();
        return new ArgumentCondition(
                condition.argument(), Width.LONG, condition.comparison(), mask, condition.value());
    }

    private static String describe(List<SeccompRule> rules, SyscallTable table) {
        StringBuilder text = new StringBuilder();
        for (SeccompRule rule : rules) {
            for (String call : rule.calls()) {
                if (table.number(call).isEmpty() || !(rule.action() instanceof Errno(int error))) {
                    continue;
                }
                int number = table.number(call).getAsInt();
                for (List<String> conditions : alternatives(rule.conditions())) {
                    text.append("%d %d %d".formatted(error, number, conditions.size()));
                    conditions.forEach(condition -> text.append(' ').append(condition));
                    text.append('\n');
                }
            }
        }
        return text.toString();
    }

    /** libseccomp cannot ask for "any of these bits", but for one bit after the other. */
    private static List<List<String>> alternatives(List<ArgumentCondition> conditions) {
        if (conditions.size() == 1 && conditions.get(0).mask() != -1) {
            ArgumentCondition only = conditions.get(0);
            if (only.comparison() == ArgumentCondition.Comparison.NOT_EQUAL) {
                List<List<String>> bits = new ArrayList<>();
                for (int bit = 0; bit < Long.SIZE; bit++) {
                    long mask = 1L << bit;
                    if ((only.mask() & mask) != 0) {
                        bits.add(List.of("%d 7 %d %d".formatted(only.argument(), mask, mask)));
                    }
                }
                return bits;
            }
        }
        return List.of(conditions.stream().map(LibseccompComparisonTest::text).toList());
    }

    /** The operators are those of enum scmp_compare. */
    private static String text(ArgumentCondition condition) {
        if (condition.mask() != -1) {
            return "%d 7 %d %d"
                    .formatted(condition.argument(), condition.mask(), condition.value());
        }
        int operator =
                switch (condition.comparison()) {
                    case NOT_EQUAL -> 1;
                    case LESS -> 2;
                    case LESS_OR_EQUAL -> 3;
                    case EQUAL -> 4;
                    case GREATER_OR_EQUAL -> 5;
                    case GREATER -> 6;
                };
        return "%d %d %d 0".formatted(condition.argument(), operator, condition.value());
    }
}
