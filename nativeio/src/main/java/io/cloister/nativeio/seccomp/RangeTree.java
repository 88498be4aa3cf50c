// SPDX-License-Identifier: Apache-2.0
package io.cloister.nativeio.seccomp;

import io.cloister.nativeio.libc.Linux;
import io.cloister.nativeio.seccomp.DecisionGraph.Jump;
import io.cloister.nativeio.seccomp.DecisionGraph.Node;
import io.cloister.nativeio.seccomp.DecisionGraph.Operand;
import io.cloister.nativeio.seccomp.DecisionGraph.Test;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;

/**
 * Finds a call's decision by its number with few instructions and few steps.
 *
 * <p>Both cost time when a filter is installed, which we do for every exec: the kernel translates
 * each instruction to machine code, and runs the filter once per system call number to learn which
 * are always allowed (seccomp_cache_prepare, since Linux 5.11). So the tree is not balanced by
 * depth: among all trees of "number ≥ k" whose leaves may peel off single numbers by "number = k",
 * the cheapest one by {@link #INSTRUCTION_COST} and {@link #STEP_COST} is found by dynamic
 * programming over the ranges.
 */
final class RangeTree {

    /**
     * Nanoseconds that one more instruction costs at install: measured on x86-64, Linux 6.18, as
     * are those of a step; what matters is how they compare, and little at that.
     */
    private static final long INSTRUCTION_COST = 250;

    /** Nanoseconds per instruction that the kernel's emulation executes. */
    private static final long STEP_COST = 4;

    /** More singles in one leaf never pay; the bound keeps the search cubic. */
    private static final int MAX_SINGLES = 6;

    private static final int SPLIT_NOWHERE = -1;

    /**
     * Neighbouring numbers with one decision.
     *
     * @param first the lowest number, as unsigned 32 bits
     * @param single whether there is just one number
     * @param weight how many of them the kernel tries at install
     */
    private record Range(long first, boolean single, long weight, Node decision) {}

    /** How best to decide a run of ranges: split before {@code at}, or as a leaf. */
    private record Plan(long cost, int at) {}

    private final DecisionGraph graph;
    private final Operand number = Operand.word((int) Linux.constant("SECCOMP_DATA_NR"));
    private final List<Range> ranges;
    private final long[] weightBefore;
    private final Plan[][] plans;

    private RangeTree(DecisionGraph graph, List<Range> ranges) {
        this.graph = graph;
        this.ranges = ranges;
        this.weightBefore = new long[ranges.size() + 1];
        for (int i = 0; i < ranges.size(); i++) {
            weightBefore[i + 1] = weightBefore[i] + ranges.get(i).weight();
        }
        this.plans = new Plan[ranges.size()][ranges.size()];
    }

    /**
     * The graph that decides all numbers.
     *
     * @param starts the decision from each number (unsigned, beginning with 0) up to the next
     * @param tried how many numbers, from 0, the kernel tries at install
     */
    static Node of(DecisionGraph graph, NavigableMap<Long, Node> starts, long tried) {
        List<Range> ranges = new ArrayList<>();
        for (Map.Entry<Long, Node> start : merged(starts).entrySet()) {
            ranges.add(new Range(start.getKey(), false, 0, start.getValue()));
        }
        for (int i = 0; i < ranges.size(); i++) {
            long first = ranges.get(i).first();
            long end = i + 1 < ranges.size() ? ranges.get(i + 1).first() : 1L << 32;
            long weight = Math.max(0, Math.min(end, tried) - first);
            ranges.set(i, new Range(first, end - first == 1, weight, ranges.get(i).decision()));
        }
        RangeTree tree = new RangeTree(graph, ranges);
        tree.plan();
        return tree.build(0, ranges.size() - 1);
    }

    private static Map<Long, Node> merged(NavigableMap<Long, Node> starts) {
        Map<Long, Node> merged = new LinkedHashMap<>();
        Node last = null;
        for (Map.Entry<Long, Node> start : starts.entrySet()) {
            if (start.getValue() != last) {
                merged.put(start.getKey(), start.getValue());
                last = start.getValue();
            }
        }
        return merged;
    }

    private void plan() {
        int count = ranges.size();
        for (int from = count - 1; from >= 0; from--) {
            for (int to = from; to < count; to++) {
                plans[from][to] = best(from, to);
            }
        }
    }

    private Plan best(int from, int to) {
        long cost = leafCost(from, to);
        int at = SPLIT_NOWHERE;
        long test = INSTRUCTION_COST + STEP_COST * weight(from, to);
        for (int i = from + 1; i <= to; i++) {
            long split = test + plans[from][i - 1].cost() + plans[i][to].cost();
            if (split < cost) {
                cost = split;
                at = i;
            }
        }
        return new Plan(cost, at);
    }

    private long weight(int from, int to) {
        return weightBefore[to + 1] - weightBefore[from];
    }

    /** The cost of testing the singles one by one, or a prohibitive one if that cannot decide. */
    private long leafCost(int from, int to) {
        if (from == to) {
            return 0;
        }
        if (to - from > 2 * MAX_SINGLES) {
            return Long.MAX_VALUE;
        }
        Node background = background(from, to);
        long cost = 0;
        long remaining = weight(from, to);
        for (Range range : ranges.subList(from, to + 1)) {
            if (range.decision() == background) {
                continue;
            }
            if (!range.single()) {
                return Long.MAX_VALUE;
            }
            cost += INSTRUCTION_COST + STEP_COST * remaining;
            remaining -= range.weight();
        }
        return cost;
    }

    /** What a leaf's numbers get unless they are tested for: what needs the fewest tests. */
    private Node background(int from, int to) {
        Map<Node, Integer> counts = new HashMap<>();
        Node most = ranges.get(from).decision();
        for (Range range : ranges.subList(from, to + 1)) {
            if (!range.single()) {
                return range.decision();
            }
            int count = counts.merge(range.decision(), 1, Integer::sum);
            if (count > counts.getOrDefault(most, 0)) {
                most = range.decision();
            }
        }
        return most;
    }

    private Node build(int from, int to) {
        int at = plans[from][to].at();
        if (at != SPLIT_NOWHERE) {
            Test atLeast = new Test(number, Jump.GREATER_OR_EQUAL, (int) ranges.get(at).first());
            return graph.branch(atLeast, build(at, to), build(from, at - 1));
        }
        Node background = background(from, to);
        Node leaf = background;
        for (Range range : ranges.subList(from, to + 1).reversed()) {
            if (range.decision() != background) {
                Test equal = new Test(number, Jump.EQUAL, (int) range.first());
                leaf = graph.branch(equal, range.decision(), leaf);
            }
        }
        return leaf;
    }
}
