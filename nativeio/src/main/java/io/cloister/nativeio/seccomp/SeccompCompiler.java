// SPDX-License-Identifier: Apache-2.0
package io.cloister.nativeio.seccomp;

import io.cloister.nativeio.libc.Architecture;
import io.cloister.nativeio.libc.Linux;
import io.cloister.nativeio.libc.SyscallTable;
import io.cloister.nativeio.seccomp.DecisionGraph.Jump;
import io.cloister.nativeio.seccomp.DecisionGraph.Node;
import io.cloister.nativeio.seccomp.DecisionGraph.Operand;
import io.cloister.nativeio.seccomp.DecisionGraph.Test;
import io.cloister.nativeio.seccomp.SeccompFilter.Listener;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.Predicate;
import java.util.stream.Collectors;

/**
 * Compiles policies for {@code seccomp(2)}, see Documentation/userspace-api/seccomp_filter.rst.
 *
 * <p>A filter first looks whether the call came through another architecture's entry, whose numbers
 * mean other calls; rules by name are for the machine's own.
 */
public final class SeccompCompiler {

    /** x86-64 numbers from here on are x32 calls ({@code __X32_SYSCALL_BIT}). */
    private static final long X32 = 1L << 30;

    /** Kernels are younger than headers: how many more numbers they may try at install. */
    private static final int YOUNGER_CALLS = 20;

    private SeccompCompiler() {}

    /** The filter for the architecture that this JVM runs on. */
    public static SeccompFilter compile(SeccompPolicy policy) {
        return compile(policy, Architecture.current());
    }

    /**
     * The filter for an architecture.
     *
     * @throws IllegalArgumentException if a rule that is not optional names a call that no
     *     architecture's headers know, or if the filter would exceed BPF_MAXINSNS (4096)
     *     instructions
     * @throws UnsupportedOperationException if the build had no headers of that architecture
     */
    public static SeccompFilter compile(SeccompPolicy policy, Architecture architecture) {
        SyscallTable table = SyscallTable.of(architecture);
        Map<String, Integer> numbers =
                table.names().stream()
                        .collect(
                                Collectors.toMap(
                                        name -> name, name -> table.number(name).orElseThrow()));
        return compile(policy, architecture, numbers, SeccompCompiler::isKnownAnywhere);
    }

    /**
     * The filter for any table.
     *
     * @param numbers the calls of the architecture
     * @param knownElsewhere whether another architecture has a call of that name
     */
    static SeccompFilter compile(
            SeccompPolicy policy,
            Architecture architecture,
            Map<String, Integer> numbers,
            Predicate<String> knownElsewhere) {
        checkNames(policy, numbers.keySet(), knownElsewhere);
        Listener listener = listener(policy);
        if (policy.allowsEverything()) {
            return new SeccompFilter(policy.id(), architecture, List.of(), Listener.NONE);
        }
        DecisionGraph graph = new DecisionGraph();
        Node root = root(graph, policy, architecture, numbers);
        Map<Integer, String> names = new HashMap<>();
        numbers.forEach((name, number) -> names.putIfAbsent(number, name));
        List<BpfInstruction> instructions =
                BpfAssembler.assemble(root, test -> describe(test, names));
        long most = Linux.constant("BPF_MAXINSNS");
        if (instructions.size() > most) {
            throw new IllegalArgumentException(
                    "policy %s needs %d instructions, the kernel takes at most %d: use fewer rules"
                            .formatted(policy.id(), instructions.size(), most));
        }
        return new SeccompFilter(policy.id(), architecture, instructions, listener);
    }

    /** A notification does not say which rule it is from, so a filter has one use for all. */
    private static Listener listener(SeccompPolicy policy) {
        boolean reports = policy.uses(Action.report());
        boolean learns = policy.uses(Action.learn());
        if (reports && learns) {
            throw new IllegalArgumentException(
                    "policy %s both reports and learns: use one".formatted(policy.id()));
        }
        return reports ? Listener.ENDS_RUN : learns ? Listener.LEARNS : Listener.NONE;
    }

    private static boolean isKnownAnywhere(String name) {
        return Arrays.stream(Architecture.values())
                .anyMatch(architecture -> isKnown(name, architecture));
    }

    private static boolean isKnown(String name, Architecture architecture) {
        try {
            return SyscallTable.of(architecture).number(name).isPresent();
        } catch (UnsupportedOperationException e) {
            // This build has no headers of that architecture, so it cannot tell a typing error from
            // a call that only exists there: the name gets reported.
            return false;
        }
    }

    private static void checkNames(
            SeccompPolicy policy, Set<String> known, Predicate<String> knownElsewhere) {
        Set<String> unknown =
                policy.rules().stream()
                        .filter(rule -> !rule.optional())
                        .flatMap(rule -> rule.calls().stream())
                        .filter(name -> !known.contains(name) && !knownElsewhere.test(name))
                        .collect(Collectors.toSet());
        if (!unknown.isEmpty()) {
            throw new IllegalArgumentException(
                    "policy %s names system calls that the kernel's headers do not know: %s"
                            .formatted(
                                    policy.id(),
                                    unknown.stream().sorted().collect(Collectors.joining(", "))));
        }
    }

    private static Node root(
            DecisionGraph graph,
            SeccompPolicy policy,
            Architecture architecture,
            Map<String, Integer> numbers) {
        Node foreign = graph.verdict(policy.foreignAction());
        Node unknown = graph.verdict(policy.unknownAction());
        TreeMap<Long, Node> starts = new TreeMap<>();
        starts.put(0L, unknown);
        decisions(graph, policy, numbers)
                .forEach((number, decision) -> {
                    starts.put((long) number, decision);
                    starts.putIfAbsent(number + 1L, unknown);
                });
        long tried = starts.lastKey() + YOUNGER_CALLS;
        if (architecture == Architecture.X86_64) {
            starts.put(X32, foreign);
        }
        Node byNumber = RangeTree.of(graph, starts, tried);
        Test ours =
                new Test(
                        Operand.word((int) Linux.constant("SECCOMP_DATA_ARCH")),
                        Jump.EQUAL,
                        auditArchitecture(architecture));
        return graph.branch(ours, byNumber, foreign);
    }

    private static SortedMap<Integer, Node> decisions(
            DecisionGraph graph, SeccompPolicy policy, Map<String, Integer> numbers) {
        // By number, not by name: a rule for one name of a call holds for its other names, too.
        Map<Integer, List<SeccompRule>> rules = new HashMap<>();
        for (SeccompRule rule : policy.rules()) {
            rule.calls().stream()
                    .map(numbers::get)
                    .filter(Objects::nonNull)
                    .distinct()
                    .forEach(number ->
                            rules.computeIfAbsent(number, first -> new ArrayList<>()).add(rule));
        }
        Node otherwise = graph.verdict(policy.defaultAction());
        SortedMap<Integer, Node> decisions = new TreeMap<>();
        for (Integer number : numbers.values()) {
            decisions.computeIfAbsent(
                    number, first -> graph.decide(rules.getOrDefault(first, List.of()), otherwise));
        }
        return decisions;
    }

    static int auditArchitecture(Architecture architecture) {
        return (int)
                switch (architecture) {
                    case X86_64 -> Linux.constant("AUDIT_ARCH_X86_64");
                    case AARCH64 -> Linux.constant("AUDIT_ARCH_AARCH64");
                };
    }

    private static String describe(Test test, Map<Integer, String> names) {
        int offset = test.operand().offset();
        if (offset == Linux.constant("SECCOMP_DATA_NR")) {
            return Optional.ofNullable(names.get(test.value())).orElse("");
        }
        if (offset == Linux.constant("SECCOMP_DATA_ARCH")) {
            return "ours";
        }
        return "";
    }
}
