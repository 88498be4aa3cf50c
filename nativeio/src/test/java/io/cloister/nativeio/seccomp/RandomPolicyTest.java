// SPDX-License-Identifier: Apache-2.0
package io.cloister.nativeio.seccomp;

import static org.assertj.core.api.Assertions.assertThat;

import io.cloister.nativeio.libc.Architecture;
import io.cloister.nativeio.libc.Linux;
import io.cloister.nativeio.seccomp.ArgumentCondition.Comparison;
import io.cloister.nativeio.seccomp.ArgumentCondition.Width;
import io.cloister.nativeio.seccomp.BpfInterpreter.Call;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.TreeSet;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Random policies against the naive reading of them; a failure names its seed. */
@Timeout(120)
class RandomPolicyTest {

    private static final int POLICIES = 150;
    private static final int CALLS = 400;

    /** Values at which comparisons of halves go wrong if they do. */
    private static final long[] VALUES = {
        0,
        1,
        2,
        7,
        0x7fff_ffffL,
        0x8000_0000L,
        0xffff_fffeL,
        0xffff_ffffL,
        0x1_0000_0000L,
        0x1_0000_0001L,
        0x1_ffff_ffffL,
        0x2_0000_0000L,
        0x7fff_ffff_ffff_ffffL,
        0x8000_0000_0000_0000L,
        0xffff_ffff_0000_0000L,
        -2,
        -1
    };

    private static final List<Action> ACTIONS =
            List.of(
                    Action.allow(),
                    Action.killProcess(),
                    Action.log(),
                    Action.trap(),
                    Action.errno(1),
                    Action.errno(38));

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4})
    void shouldDecideAsThePolicyReads(long seed) {
        SplittableRandom random = new SplittableRandom(seed);
        for (int i = 0; i < POLICIES; i++) {
            Architecture architecture = pick(random, List.of(Architecture.values()));
            Map<String, Integer> table = table(random);
            SeccompPolicy policy = policy(random, List.copyOf(table.keySet()));
            SeccompFilter filter =
                    SeccompCompiler.compile(policy, architecture, table, name -> false);
            if (filter.isEmpty()) {
                continue;
            }
            NaivePolicy naive = new NaivePolicy(policy, architecture, table);
            BpfInterpreter interpreter = new BpfInterpreter(filter.bytes());
            for (int j = 0; j < CALLS; j++) {
                Call call = call(random, architecture, List.copyOf(table.values()));
                String where = "seed %d, policy %d, call %d".formatted(seed, i, j);
                assertThat(interpreter.run(call))
                        .as(() -> where + ": " + describe(call) + "\n" + policy + filter.listing())
                        .isEqualTo(naive.decide(call).returnValue());
            }
        }
    }

    private static String describe(Call call) {
        return call.number() + call.arguments().toString();
    }

    private static Map<String, Integer> table(SplittableRandom random) {
        Map<String, Integer> table = new TreeMap<>();
        int number = random.nextInt(3);
        for (int i = random.nextInt(1, 60); i > 0; i--) {
            table.put("c" + number, number);
            number += random.nextInt(4) == 0 ? random.nextInt(1, 10) : 1;
        }
        return table;
    }

    private static SeccompPolicy policy(SplittableRandom random, List<String> names) {
        List<SeccompRule> rules = new ArrayList<>();
        for (int i = random.nextInt(40); i > 0; i--) {
            TreeSet<String> calls = new TreeSet<>();
            for (int j = random.nextInt(1, 6); j > 0; j--) {
                calls.add(pick(random, names));
            }
            List<ArgumentCondition> conditions = new ArrayList<>();
            for (int j = random.nextInt(5); j > 0; j--) {
                conditions.add(condition(random));
            }
            rules.add(new SeccompRule(pick(random, ACTIONS), calls, conditions, false));
        }
        return new SeccompPolicy(
                "random",
                1,
                pick(random, ACTIONS),
                pick(random, ACTIONS),
                pick(random, ACTIONS),
                rules);
    }

    private static ArgumentCondition condition(SplittableRandom random) {
        Width width = pick(random, List.of(Width.values()));
        Comparison comparison = pick(random, List.of(Comparison.values()));
        long mask = width.bits();
        boolean equality = comparison == Comparison.EQUAL || comparison == Comparison.NOT_EQUAL;
        if (equality && random.nextInt(3) == 0) {
            mask &= VALUES[random.nextInt(VALUES.length)];
        }
        // two arguments only, so that rules overlap
        int argument = random.nextInt(2) * 5;
        return new ArgumentCondition(
                argument, width, comparison, mask, VALUES[random.nextInt(VALUES.length)] & mask);
    }

    private static Call call(
            SplittableRandom random, Architecture architecture, List<Integer> numbers) {
        String name =
                architecture == Architecture.X86_64 ? "AUDIT_ARCH_X86_64" : "AUDIT_ARCH_AARCH64";
        int arch = random.nextInt(50) == 0 ? random.nextInt() : (int) Linux.constant(name);
        int number =
                switch (random.nextInt(10)) {
                    case 0 -> random.nextInt();
                    case 1 -> random.nextInt(100);
                    default -> pick(random, numbers);
                };
        long[] arguments = new long[6];
        for (int i = 0; i < arguments.length; i++) {
            arguments[i] = VALUES[random.nextInt(VALUES.length)] + random.nextInt(5) / 4;
        }
        return Call.of(arch, number, arguments);
    }

    private static <T> T pick(SplittableRandom random, List<T> from) {
        return from.get(random.nextInt(from.size()));
    }
}
