// SPDX-License-Identifier: Apache-2.0
package io.cloister.nativeio.seccomp;

import static io.cloister.nativeio.seccomp.ArgumentCondition.int32;
import static io.cloister.nativeio.seccomp.ArgumentCondition.int64;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.cloister.nativeio.seccomp.ArgumentCondition.Comparison;
import io.cloister.nativeio.seccomp.ArgumentCondition.Width;
import java.util.Collections;
import java.util.List;
import java.util.TreeSet;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(10)
class SeccompPolicyTest {

    @ParameterizedTest
    @ValueSource(ints = {-1, 4096})
    void shouldRefuseErrnosThatAFilterCannotReturn(int number) {
        assertRefused(() -> Action.errno(number), "4095");
    }

    @ParameterizedTest
    @ValueSource(ints = {-1, 6})
    void shouldRefuseArgumentsThatNoCallHas(int argument) {
        assertRefused(() -> int64(argument).equalTo(0), "arguments 0 to 5");
    }

    @Test
    void shouldRefuseValuesThatCanNeverMatch() {
        assertRefused(() -> int64(0).maskedEqualTo(0xf0, 0x10f), "outside the mask");
        assertRefused(() -> int32(0).equalTo(1L << 32), "32 bits");
        assertRefused(() -> int32(0).hasAnyOf(1L << 40), "32 bits");
    }

    @Test
    void shouldTakeIntsWithOrWithoutSign() {
        assertThat(int32(0).equalTo(-1)).isEqualTo(int32(0).equalTo(0xffff_ffffL));
    }

    @Test
    void shouldMaskOnlyEquality() {
        assertRefused(
                () -> new ArgumentCondition(0, Width.LONG, Comparison.LESS, 0xff, 1), "equality");
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "Read", "read ", "__NR-read", "read\0"})
    void shouldRefuseWhatIsNoNameOfACall(String name) {
        assertRefused(() -> SeccompRule.of(Action.allow(), name), "not the name");
    }

    @Test
    void shouldRefuseRulesForNothing() {
        assertRefused(() -> SeccompRule.of(Action.allow()), "at least one");
    }

    @Test
    void shouldBoundTheConditionsOfARule() {
        List<ArgumentCondition> many = Collections.nCopies(17, int32(0).equalTo(1));
        assertRefused(
                () -> new SeccompRule(Action.allow(), new TreeSet<>(List.of("read")), many, false),
                "at most 16");
    }

    @Test
    void shouldRefuseNamesAndVersionsThatDoNotMakeAnId() {
        assertRefused(() -> policy("", 1), "name");
        assertRefused(() -> policy("a/b", 1), "name");
        assertRefused(() -> policy("a", 0), "versions");
        assertThat(policy("a-b", 7).id()).isEqualTo("a-b/7");
    }

    @Test
    void shouldNotSeeLaterChangesOfWhatItWasMadeFrom() {
        TreeSet<String> calls = new TreeSet<>(List.of("read"));
        SeccompRule rule = new SeccompRule(Action.allow(), calls, List.of(), false);

        calls.add("write");

        assertThat(rule.calls()).containsExactly("read");
    }

    private static SeccompPolicy policy(String name, int version) {
        return new SeccompPolicy(
                name, version, Action.allow(), Action.allow(), Action.allow(), List.of());
    }

    private static void assertRefused(ThrowingCallable making, String why) {
        assertThatThrownBy(making)
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining(why);
    }
}
