// SPDX-License-Identifier: Apache-2.0
package io.cloister.nativeio.seccomp;

import static io.cloister.nativeio.seccomp.ArgumentCondition.int32;
import static io.cloister.nativeio.seccomp.ArgumentCondition.int64;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.cloister.nativeio.libc.Architecture;
import io.cloister.nativeio.libc.Linux;
import io.cloister.nativeio.seccomp.BpfInterpreter.Call;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(60)
class SeccompCompilerTest {

    private static final Action DENY = Action.errno("EPERM");
    private static final Action UNKNOWN = Action.errno("ENOSYS");
    private static final Action FOREIGN = Action.errno("EPROTO");
    private static final int X86_64 = (int) Linux.constant("AUDIT_ARCH_X86_64");
    private static final int AARCH64 = (int) Linux.constant("AUDIT_ARCH_AARCH64");
    private static final int I386 = 0x4000_0003;

    /**
     * Calls c0 to c499 with their numbers, and late at 600: a table of our own has no surprises.
     */
    private static final Map<String, Integer> TABLE = new TreeMap<>();

    static {
        for (int i = 0; i < 500; i++) {
            TABLE.put("c" + i, i);
        }
        TABLE.put("late", 600);
    }

    @Test
    void shouldMakeNothingOfAPolicyThatAllowsEverything() {
        SeccompFilter filter = compile(SeccompRule.of(Action.allow(), "c1"));
        SeccompPolicy all =
                new SeccompPolicy(
                        "all", 1, Action.allow(), Action.allow(), Action.allow(), List.of());
        SeccompFilter none = compile(all, Architecture.X86_64);

        assertThat(filter.isEmpty()).isFalse();
        assertThat(none.isEmpty()).isTrue();
        assertThat(none.length()).isZero();
        assertThat(none.bytes()).isEmpty();
    }

    @Test
    void shouldDecideOneRule() {
        SeccompFilter filter = compile(SeccompRule.of(DENY, "c7"));

        assertThat(decide(filter, 6)).isEqualTo(Action.allow().returnValue());
        assertThat(decide(filter, 7)).isEqualTo(DENY.returnValue());
        assertThat(decide(filter, 8)).isEqualTo(Action.allow().returnValue());
    }

    @Test
    void shouldRefuseNumbersOutsideTheTable() {
        SeccompFilter filter = compile(SeccompRule.of(DENY, "c7"));

        for (int number : new int[] {500, 599, 601, 0x3fff_ffff}) {
            assertThat(decide(filter, number)).isEqualTo(UNKNOWN.returnValue());
        }
        assertThat(decide(filter, 600)).isEqualTo(Action.allow().returnValue());
    }

    @ParameterizedTest
    @ValueSource(ints = {0x4000_0000, 0x4000_0007, 0x7fff_ffff, 0x8000_0000, -1})
    void shouldTreatX32NumbersAsForeign(int number) {
        SeccompFilter filter = compile(SeccompRule.of(DENY, "c7"));

        assertThat(decide(filter, number)).isEqualTo(FOREIGN.returnValue());
    }

    @Test
    void shouldTreatTheEntryOfAnotherArchitectureAsForeign() {
        BpfInterpreter x86 = new BpfInterpreter(compile(SeccompRule.of(DENY, "c7")).bytes());
        BpfInterpreter arm =
                new BpfInterpreter(
                        compile(policy(SeccompRule.of(DENY, "c7")), Architecture.AARCH64).bytes());

        for (int number : new int[] {0, 7, 600, -1}) {
            int foreign = FOREIGN.returnValue();
            assertThat(x86.run(Call.of(I386, number))).isEqualTo(foreign);
            assertThat(x86.run(Call.of(AARCH64, number))).isEqualTo(foreign);
            assertThat(arm.run(Call.of(X86_64, number))).isEqualTo(foreign);
        }
        assertThat(arm.run(Call.of(AARCH64, 7))).isEqualTo(DENY.returnValue());
        assertThat(arm.run(Call.of(AARCH64, 0x4000_0000))).isEqualTo(UNKNOWN.returnValue());
    }

    @Test
    void shouldTakeTheFirstRuleThatMatches() {
        SeccompFilter filter =
                compile(
                        SeccompRule.of(Action.log(), "c1").when(int32(0).equalTo(1)),
                        SeccompRule.of(Action.trap(), "c1").when(int32(0).atMost(2)),
                        SeccompRule.of(DENY, "c1", "c2"),
                        SeccompRule.of(Action.killProcess(), "c1", "c2"));

        assertThat(decide(filter, 1, 1)).isEqualTo(Action.log().returnValue());
        assertThat(decide(filter, 1, 2)).isEqualTo(Action.trap().returnValue());
        assertThat(decide(filter, 1, 3)).isEqualTo(DENY.returnValue());
        assertThat(decide(filter, 2)).isEqualTo(DENY.returnValue());
    }

    @Test
    void shouldCompareBothHalvesOfALong() {
        long value = 0x1_0000_0005L;
        SeccompFilter filter = compile(SeccompRule.of(DENY, "c1").when(int64(5).equalTo(value)));

        assertThat(decide(filter, 1, 0, 0, 0, 0, 0, value)).isEqualTo(DENY.returnValue());
        for (long other : new long[] {5, value + 1, value + (1L << 32), value | 1L << 63}) {
            assertThat(decide(filter, 1, 0, 0, 0, 0, 0, other))
                    .isEqualTo(Action.allow().returnValue());
        }
    }

    @Test
    void shouldNotBeEvadedThroughTheHighHalfOfAnInt() {
        SeccompFilter filter = compile(SeccompRule.of(DENY, "c1").when(int32(0).equalTo(5)));

        assertThat(decide(filter, 1, 5)).isEqualTo(DENY.returnValue());
        assertThat(decide(filter, 1, 0x1234_5678_0000_0005L)).isEqualTo(DENY.returnValue());
        assertThat(decide(filter, 1, 6)).isEqualTo(Action.allow().returnValue());
    }

    @Test
    void shouldReachTargetsFurtherThanAConditionalJump() {
        List<SeccompRule> rules = new ArrayList<>();
        for (int i = 0; i < 300; i++) {
            rules.add(
                    SeccompRule.of(Action.errno(i + 1), "c" + i)
                            .when(
                                    int64(0).equalTo(0x7_0000_0000L + i),
                                    int64(1).greaterThan(0x3_0000_0000L + i)));
        }
        SeccompPolicy policy = new SeccompPolicy("far", 1, Action.allow(), UNKNOWN, FOREIGN, rules);
        SeccompFilter filter = compile(policy, Architecture.X86_64);
        NaivePolicy naive = new NaivePolicy(policy, Architecture.X86_64, TABLE);

        assertThat(filter.length()).isGreaterThan(2 * 255);
        assertThat(filter.listing()).contains("ja ");
        for (int i = 0; i < 302; i++) {
            for (long first : new long[] {0x7_0000_0000L + i, i, 0x7_0000_0000L}) {
                for (long second : new long[] {0x3_0000_0000L + i, 0x3_0000_0001L + i, -1, 0}) {
                    Call call = Call.of(X86_64, i, first, second);
                    assertThat(run(filter, call))
                            .as("c%d(0x%x, 0x%x)", i, first, second)
                            .isEqualTo(naive.decide(call).returnValue());
                }
            }
        }
    }

    @Test
    void shouldReachTargetsThroughALongChainOfRulesForOneCall() {
        List<SeccompRule> rules = new ArrayList<>();
        for (int i = 0; i < 600; i++) {
            rules.add(
                    SeccompRule.of(Action.errno(i % 7 + 1), "c3")
                            .when(int64(i % 3).equalTo(0x1_0000_0000L + i)));
        }
        SeccompPolicy policy =
                new SeccompPolicy("chain", 1, Action.allow(), UNKNOWN, FOREIGN, rules);
        SeccompFilter filter = compile(policy, Architecture.X86_64);
        NaivePolicy naive = new NaivePolicy(policy, Architecture.X86_64, TABLE);

        for (int i = 0; i < 602; i++) {
            long value = 0x1_0000_0000L + i;
            for (Call call :
                    List.of(
                            Call.of(X86_64, 3, value, 0, 0),
                            Call.of(X86_64, 3, i, value, 0),
                            Call.of(X86_64, 3, i, i, value),
                            Call.of(X86_64, 4, value, value, value))) {
                assertThat(run(filter, call)).isEqualTo(naive.decide(call).returnValue());
            }
        }
    }

    @Test
    void shouldRefuseAPolicyThatNeedsTooManyInstructions() {
        List<SeccompRule> rules = new ArrayList<>();
        for (int i = 0; i < 3000; i++) {
            rules.add(
                    SeccompRule.of(Action.errno(i % 7 + 1), "c" + i % 400)
                            .when(int64(0).equalTo(0x1_0000_0000L * (i + 1) + i)));
        }
        SeccompPolicy policy =
                new SeccompPolicy("long", 1, Action.allow(), UNKNOWN, FOREIGN, rules);

        assertThatThrownBy(() -> compile(policy, Architecture.X86_64))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("long/1")
                .hasMessageContaining("4096");
    }

    @Test
    void shouldKeepConditionsLinearInSize() {
        List<SeccompRule> rules = new ArrayList<>();
        for (int i = 0; i < 10; i++) {
            SeccompRule rule = SeccompRule.of(Action.errno(i + 1), "c1");
            for (int argument = 0; argument < 6; argument++) {
                rule =
                        rule.when(
                                int64(argument).greaterThan(0x5_0000_0005L + i),
                                int64(argument).notEqualTo(0x6_0000_0005L + i));
            }
            rules.add(rule);
        }
        SeccompFilter filter =
                compile(
                        new SeccompPolicy("wide", 1, Action.allow(), UNKNOWN, FOREIGN, rules),
                        Architecture.X86_64);

        // 10 rules × 12 conditions × (2 loads + 3 tests) at most
        assertThat(filter.length()).isLessThan(700);
    }

    @Test
    void shouldNameCallsThatNoHeadersKnow() {
        SeccompPolicy policy =
                policy(SeccompRule.of(DENY, "c1", "opne"), SeccompRule.of(DENY, "ptarce"));

        assertThatThrownBy(() -> compile(policy, Architecture.X86_64))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("opne, ptarce");
    }

    @Test
    void shouldSkipUnknownCallsOfAnOptionalRule() {
        SeccompFilter filter = compile(SeccompRule.of(DENY, "c1", "future").whereKnown());

        assertThat(decide(filter, 1)).isEqualTo(DENY.returnValue());
    }

    @Test
    void shouldSkipCallsThatOnlyAnotherArchitectureHas() {
        SeccompFilter filter =
                SeccompCompiler.compile(
                        policy(SeccompRule.of(DENY, "c1", "open")),
                        Architecture.AARCH64,
                        TABLE,
                        "open"::equals);

        assertThat(filter.length()).isPositive();
        assertThat(new BpfInterpreter(filter.bytes()).run(Call.of(AARCH64, 1)))
                .isEqualTo(DENY.returnValue());
    }

    @Test
    void shouldApplyARuleToEveryNameOfANumber() {
        SeccompFilter filter =
                SeccompCompiler.compile(
                        policy(SeccompRule.of(DENY, "fstatat")),
                        Architecture.X86_64,
                        Map.of("fstatat", 3, "newfstatat", 3, "read", 0),
                        name -> false);

        assertThat(decide(filter, 3)).isEqualTo(DENY.returnValue());
        assertThat(decide(filter, 0)).isEqualTo(Action.allow().returnValue());
    }

    @Test
    void shouldMergeNeighboursWithTheSameDecision() {
        String[] neighbours = new String[100];
        for (int i = 0; i < neighbours.length; i++) {
            neighbours[i] = "c" + (200 + i);
        }
        SeccompFilter one = compile(SeccompRule.of(DENY, "c200", "c201"));
        SeccompFilter hundred = compile(SeccompRule.of(DENY, neighbours));

        assertThat(hundred.length()).isEqualTo(one.length());
    }

    @Test
    void shouldShareEqualDecisionsOfDifferentCalls() {
        ArgumentCondition condition = int32(0).equalTo(7);
        SeccompFilter two = compile(SeccompRule.of(DENY, "c10", "c20").when(condition));
        SeccompFilter three = compile(SeccompRule.of(DENY, "c10", "c20", "c30").when(condition));

        assertThat(three.length() - two.length()).isEqualTo(1);
    }

    @Test
    void shouldLoadAnArgumentOnceForRulesThatOnlyDifferInItsValue() {
        SeccompFilter filter =
                compile(
                        SeccompRule.of(DENY, "c1").when(int32(0).equalTo(7)),
                        SeccompRule.of(Action.log(), "c1").when(int32(0).equalTo(8)),
                        SeccompRule.of(Action.trap(), "c1").when(int32(0).equalTo(9)));

        assertThat(filter.listing().lines().filter(line -> line.contains("argument 0"))).hasSize(1);
    }

    @Test
    void shouldReachEveryNumberInFewSteps() {
        List<SeccompRule> rules = new ArrayList<>();
        for (int i = 0; i < 500; i += 4) {
            rules.add(SeccompRule.of(DENY, "c" + i));
        }
        SeccompFilter filter =
                compile(
                        new SeccompPolicy("many", 1, Action.allow(), UNKNOWN, FOREIGN, rules),
                        Architecture.X86_64);
        BpfInterpreter interpreter = new BpfInterpreter(filter.bytes());

        for (int number = 0; number < 620; number++) {
            assertThat(interpreter.trace(Call.of(X86_64, number)).steps()).isLessThan(24);
        }
    }

    @Test
    void shouldListItsInstructionsInWords() {
        String listing = compile(SeccompRule.of(DENY, "c7").when(int32(0).equalTo(9))).listing();

        assertThat(listing)
                .contains("test/1 for X86_64")
                .contains("ld   [4]")
                .contains("architecture")
                .contains("jeq")
                .contains("c7")
                .contains("argument 0, low half")
                .contains("errno " + Linux.constant("EPROTO"))
                .contains("errno 1");
    }

    @ParameterizedTest
    @EnumSource(Architecture.class)
    void shouldGiveTheSameBytesForTheSamePolicy(Architecture architecture) {
        SeccompPolicy policy =
                policy(
                        SeccompRule.of(DENY, "c1", "c400", "c77"),
                        SeccompRule.of(Action.log(), "c5").when(int64(1).hasAnyOf(0x30)));

        byte[] bytes = compile(policy, architecture).bytes();

        assertThat(compile(policy, architecture).bytes()).isEqualTo(bytes);
    }

    @Test
    void shouldNotLetItsBytesBeChanged() {
        SeccompFilter filter = compile(SeccompRule.of(DENY, "c1"));
        byte[] before = filter.bytes();

        filter.bytes()[0] ^= 1;

        assertThat(filter.bytes()).isEqualTo(before);
    }

    private static SeccompPolicy policy(SeccompRule... rules) {
        return new SeccompPolicy("test", 1, Action.allow(), UNKNOWN, FOREIGN, List.of(rules));
    }

    private static SeccompFilter compile(SeccompRule... rules) {
        return compile(policy(rules), Architecture.X86_64);
    }

    private static SeccompFilter compile(SeccompPolicy policy, Architecture architecture) {
        return SeccompCompiler.compile(policy, architecture, TABLE, name -> false);
    }

    private static int decide(SeccompFilter filter, int number, long... arguments) {
        return run(filter, Call.of(X86_64, number, arguments));
    }

    private static int run(SeccompFilter filter, Call call) {
        return new BpfInterpreter(filter.bytes()).run(call);
    }
}
