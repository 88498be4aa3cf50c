// SPDX-License-Identifier: Apache-2.0
package io.cloister.nativeio.seccomp;

import io.cloister.nativeio.libc.Linux;
import io.cloister.nativeio.seccomp.ArgumentCondition.Width;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Decisions as a graph of tests on 32-bit words of {@code struct seccomp_data}.
 *
 * <p>Equal nodes are one node: decisions can be compared by identity, and what two system calls
 * have in common is in the filter once. The graph stays linear in the size of the policy, because
 * every rule is made once and all ways on from it lead to the one node of the next rule.
 */
final class DecisionGraph {

    /** What remains to be decided; compared by identity. */
    sealed interface Node permits Verdict, Branch {}

    /** The filter returns. */
    static final class Verdict implements Node {
        private final Action action;

        private Verdict(Action action) {
            this.action = action;
        }

        Action action() {
            return action;
        }
    }

    /** One conditional jump. */
    static final class Branch implements Node {
        private final Test test;
        private final Node yes;
        private final Node no;

        private Branch(Test test, Node yes, Node no) {
            this.test = test;
            this.yes = yes;
            this.no = no;
        }

        Test test() {
            return test;
        }

        Node yes() {
            return yes;
        }

        Node no() {
            return no;
        }
    }

    /** The masked 32-bit word at an offset of {@code struct seccomp_data}. */
    record Operand(int offset, int mask) {
        static final int ALL = -1;

        static Operand word(int offset) {
            return new Operand(offset, ALL);
        }

        boolean isWhole() {
            return mask == ALL;
        }

        Operand whole() {
            return word(offset);
        }
    }

    /** The conditional jumps of classic BPF; comparisons are unsigned. */
    enum Jump {
        EQUAL,
        GREATER,
        GREATER_OR_EQUAL,
        ANY_BIT
    }

    record Test(Operand operand, Jump jump, int value) {
        boolean holds(int word) {
            int left = word & operand.mask();
            return switch (jump) {
                case EQUAL -> left == value;
                case GREATER -> Integer.compareUnsigned(left, value) > 0;
                case GREATER_OR_EQUAL -> Integer.compareUnsigned(left, value) >= 0;
                case ANY_BIT -> (left & value) != 0;
            };
        }
    }

    /** What the path to a node has established, latest first. */
    private record Facts(Test test, boolean outcome, @Nullable Facts earlier) {}

    private record Key(Test test, Node yes, Node no) {}

    private static final int HALF = Integer.BYTES;

    private final Map<Action, Verdict> verdicts = new HashMap<>();
    private final Map<Key, Branch> branches = new HashMap<>();

    Node verdict(Action action) {
        return verdicts.computeIfAbsent(action, Verdict::new);
    }

    /** A test, in the cheapest form that classic BPF has for it. */
    Node branch(Test test, Node yes, Node no) {
        if (yes == no) {
            return yes;
        }
        Operand operand = test.operand();
        int value = test.value();
        switch (test.jump()) {
            case GREATER_OR_EQUAL -> {
                if (value == 0) {
                    return yes;
                }
            }
            case GREATER -> {
                if (value == -1) {
                    return no;
                }
            }
            case ANY_BIT -> {
                if (value == 0) {
                    return no;
                }
            }
            case EQUAL -> {
                if (operand.mask() == 0) {
                    return yes;
                }
                if (!operand.isWhole()) {
                    // jset leaves the accumulator alone and needs no separate "and"
                    Test anyBit = new Test(operand.whole(), Jump.ANY_BIT, operand.mask());
                    if (value == 0) {
                        return branch(anyBit, no, yes);
                    }
                    if (Integer.bitCount(operand.mask()) == 1) {
                        return branch(anyBit, yes, no);
                    }
                }
            }
        }
        return branches.computeIfAbsent(
                new Key(test, yes, no), key -> new Branch(key.test(), key.yes(), key.no()));
    }

    /** The decision of a call's rules, in order, with what applies when none of them matches. */
    Node decide(List<SeccompRule> rules, Node otherwise) {
        Node next = otherwise;
        // A rule without conditions starts afresh, and what follows it is never reached.
        for (SeccompRule rule : rules.reversed()) {
            next = new RuleBuilder(rule, next).from(0, null);
        }
        return next;
    }

    /** Skips the tests at the head of {@code node} whose outcome is known. */
    private static Node thread(Node node, @Nullable Facts facts) {
        Node reached = node;
        while (reached instanceof Branch branch) {
            Boolean outcome = known(branch.test(), facts);
            if (outcome == null) {
                break;
            }
            reached = outcome ? branch.yes() : branch.no();
        }
        return reached;
    }

    private static @Nullable Boolean known(Test test, @Nullable Facts facts) {
        for (Facts fact = facts; fact != null; fact = fact.earlier()) {
            Test earlier = fact.test();
            if (earlier.equals(test)) {
                return fact.outcome();
            }
            boolean wordIsKnown =
                    fact.outcome()
                            && earlier.jump() == Jump.EQUAL
                            && earlier.operand().equals(test.operand().whole());
            if (wordIsKnown) {
                return test.holds(earlier.value());
            }
        }
        return null;
    }

    private static int argumentOffset(int argument) {
        // low half first: both architectures are little-endian
        return (int) Linux.constant("SECCOMP_DATA_ARGS") + argument * Long.BYTES;
    }

    /** Turns one rule into nodes; failing any condition leads to {@code next}. */
    private final class RuleBuilder {
        private final SeccompRule rule;
        private final Node next;

        RuleBuilder(SeccompRule rule, Node next) {
            this.rule = rule;
            this.next = next;
        }

        Node from(int condition, @Nullable Facts facts) {
            if (condition == rule.conditions().size()) {
                return verdict(rule.action());
            }
            return condition(
                    rule.conditions().get(condition),
                    facts,
                    more -> from(condition + 1, more),
                    more -> thread(next, more));
        }

        /**
         * The continuation that makes nodes, {@code holds}, is called once in each case, or the
         * graph would double with every condition.
         */
        private Node condition(
                ArgumentCondition condition,
                @Nullable Facts facts,
                Function<@Nullable Facts, Node> holds,
                Function<@Nullable Facts, Node> fails) {
            return switch (condition.comparison()) {
                case EQUAL -> equal(condition, facts, holds, fails);
                case NOT_EQUAL -> {
                    Node held = holds.apply(facts);
                    yield equal(condition, facts, fails, more -> thread(held, more));
                }
                case GREATER ->
                        greater(condition, Jump.GREATER, holds.apply(facts), fails.apply(facts));
                case GREATER_OR_EQUAL ->
                        greater(
                                condition,
                                Jump.GREATER_OR_EQUAL,
                                holds.apply(facts),
                                fails.apply(facts));
                case LESS ->
                        greater(
                                condition,
                                Jump.GREATER_OR_EQUAL,
                                fails.apply(facts),
                                holds.apply(facts));
                case LESS_OR_EQUAL ->
                        greater(condition, Jump.GREATER, fails.apply(facts), holds.apply(facts));
            };
        }

        private Node equal(
                ArgumentCondition condition,
                @Nullable Facts facts,
                Function<@Nullable Facts, Node> same,
                Function<@Nullable Facts, Node> different) {
            int offset = argumentOffset(condition.argument());
            Test low = equal(offset, condition.mask(), condition.value());
            if (condition.width() == Width.INT) {
                return test(low, facts, same, different);
            }
            Test high = equal(offset + HALF, condition.mask() >>> 32, condition.value() >>> 32);
            return test(low, facts, more -> test(high, more, same, different), different);
        }

        private static Test equal(int offset, long mask, long value) {
            return new Test(new Operand(offset, (int) mask), Jump.EQUAL, (int) value);
        }

        private Node test(
                Test test,
                @Nullable Facts facts,
                Function<@Nullable Facts, Node> yes,
                Function<@Nullable Facts, Node> no) {
            Boolean outcome = test.operand().mask() == 0 ? Boolean.TRUE : known(test, facts);
            if (outcome != null) {
                return outcome ? yes.apply(facts) : no.apply(facts);
            }
            return branch(
                    test,
                    yes.apply(new Facts(test, true, facts)),
                    no.apply(new Facts(test, false, facts)));
        }

        /** The argument is greater than the value (or equal, for that jump): {@code yes}. */
        private Node greater(ArgumentCondition condition, Jump jump, Node yes, Node no) {
            int offset = argumentOffset(condition.argument());
            Node low =
                    branch(new Test(Operand.word(offset), jump, (int) condition.value()), yes, no);
            if (condition.width() == Width.INT) {
                return low;
            }
            Operand high = Operand.word(offset + HALF);
            int value = (int) (condition.value() >>> 32);
            if (low == yes) {
                return branch(new Test(high, Jump.GREATER_OR_EQUAL, value), yes, no);
            }
            Node notGreater = value == 0 ? low : branch(new Test(high, Jump.EQUAL, value), low, no);
            return branch(new Test(high, Jump.GREATER, value), yes, notGreater);
        }
    }
}
