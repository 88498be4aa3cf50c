// SPDX-License-Identifier: Apache-2.0
package io.cloister.nativeio.seccomp;

import io.cloister.nativeio.libc.Linux;
import io.cloister.nativeio.seccomp.DecisionGraph.Branch;
import io.cloister.nativeio.seccomp.DecisionGraph.Node;
import io.cloister.nativeio.seccomp.DecisionGraph.Operand;
import io.cloister.nativeio.seccomp.DecisionGraph.Test;
import io.cloister.nativeio.seccomp.DecisionGraph.Verdict;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;

/**
 * Lays a decision graph out as classic BPF, each node once.
 *
 * <p>BPF only jumps forward, so code is made from its end: when a jump is made its targets have
 * their places. A target further away than a conditional jump reaches (255 instructions) gets a
 * stand-in just behind the jump: a copy of the return it is, or an unconditional jump to it.
 */
final class BpfAssembler {

    private final Function<Test, String> describe;

    /** What the accumulator surely holds when a node is reached; empty if paths disagree. */
    private final Map<Node, Optional<Operand>> accumulator = new HashMap<>();

    /** The code so far, last instruction first. */
    private final List<BpfInstruction> reversed = new ArrayList<>();

    /** Where each node's code begins, as an index into {@link #reversed}. */
    private final Map<Node, Integer> places = new HashMap<>();

    /** As {@link #places}, or the latest stand-in for it. */
    private final Map<Node, Integer> nearest = new HashMap<>();

    private BpfAssembler(Function<Test, String> describe) {
        this.describe = describe;
    }

    /**
     * The instructions that decide from {@code root}.
     *
     * @param describe a comment for a test in the listing
     */
    static List<BpfInstruction> assemble(Node root, Function<Test, String> describe) {
        BpfAssembler assembler = new BpfAssembler(describe);
        List<Node> targetsFirst = new ArrayList<>();
        order(root, targetsFirst, new HashSet<>());
        assembler.followAccumulator(root, targetsFirst.reversed());
        for (Node node : targetsFirst) {
            assembler.emit(node);
        }
        return List.copyOf(assembler.reversed.reversed());
    }

    /** Depth first; as deep as the longest path, which BPF_MAXINSNS bounds to a few thousand. */
    private static void order(Node node, List<Node> targetsFirst, Set<Node> seen) {
        if (!seen.add(node)) {
            return;
        }
        if (node instanceof Branch branch) {
            order(branch.yes(), targetsFirst, seen);
            order(branch.no(), targetsFirst, seen);
        }
        targetsFirst.add(node);
    }

    private void followAccumulator(Node root, List<Node> sourcesFirst) {
        accumulator.put(root, Optional.empty());
        for (Node node : sourcesFirst) {
            if (node instanceof Branch branch) {
                Optional<Operand> held = Optional.of(branch.test().operand());
                for (Node target : List.of(branch.yes(), branch.no())) {
                    accumulator.merge(target, held, (a, b) -> a.equals(b) ? a : Optional.empty());
                }
            }
        }
    }

    private void emit(Node node) {
        switch (node) {
            case Verdict verdict -> add(ret(verdict));
            case Branch branch -> {
                reach(branch.yes());
                reach(branch.no());
                add(
                        new BpfInstruction(
                                code("BPF_JMP", jumpName(branch.test()), "BPF_K"),
                                distance(nearest, branch.yes()),
                                distance(nearest, branch.no()),
                                branch.test().value(),
                                describe.apply(branch.test())));
                load(accumulator.getOrDefault(node, Optional.empty()), branch.test().operand());
            }
        }
        places.put(node, reversed.size() - 1);
        nearest.put(node, reversed.size() - 1);
    }

    /** Sees to it that the next instruction's conditional jump, or the one after, can reach. */
    private void reach(Node target) {
        if (distance(nearest, target) < BpfInstruction.MAX_SKIP) {
            return;
        }
        switch (target) {
            case Verdict verdict -> add(ret(verdict));
            case Branch branch ->
                    add(
                            new BpfInstruction(
                                    code("BPF_JMP", "BPF_JA"),
                                    0,
                                    0,
                                    distance(places, branch),
                                    "far"));
        }
        nearest.put(target, reversed.size() - 1);
    }

    /** How many instructions lie between the one made next and the target. */
    private int distance(Map<Node, Integer> where, Node target) {
        Integer place = where.get(target);
        if (place == null) {
            throw new IllegalStateException("the target of a jump has no place yet");
        }
        return reversed.size() - place - 1;
    }

    private void load(Optional<Operand> held, Operand wanted) {
        if (held.filter(wanted::equals).isPresent()) {
            return;
        }
        if (!wanted.isWhole()) {
            String comment = "mask";
            add(
                    new BpfInstruction(
                            code("BPF_ALU", "BPF_AND", "BPF_K"), 0, 0, wanted.mask(), comment));
        }
        if (held.filter(wanted.whole()::equals).isEmpty()) {
            add(
                    new BpfInstruction(
                            code("BPF_LD", "BPF_W", "BPF_ABS"),
                            0,
                            0,
                            wanted.offset(),
                            name(wanted.offset())));
        }
    }

    private static BpfInstruction ret(Verdict verdict) {
        return new BpfInstruction(
                code("BPF_RET", "BPF_K"),
                0,
                0,
                verdict.action().returnValue(),
                verdict.action().toString());
    }

    private void add(BpfInstruction instruction) {
        reversed.add(instruction);
    }

    private static int code(String... parts) {
        int code = 0;
        for (String part : parts) {
            code |= (int) Linux.constant(part);
        }
        return code;
    }

    private static String jumpName(Test test) {
        return switch (test.jump()) {
            case EQUAL -> "BPF_JEQ";
            case GREATER -> "BPF_JGT";
            case GREATER_OR_EQUAL -> "BPF_JGE";
            case ANY_BIT -> "BPF_JSET";
        };
    }

    private static String name(int offset) {
        if (offset == Linux.constant("SECCOMP_DATA_NR")) {
            return "number";
        }
        if (offset == Linux.constant("SECCOMP_DATA_ARCH")) {
            return "architecture";
        }
        int inArguments = offset - (int) Linux.constant("SECCOMP_DATA_ARGS");
        String half = inArguments % Long.BYTES == 0 ? "low" : "high";
        return "argument " + inArguments / Long.BYTES + ", " + half + " half";
    }
}
