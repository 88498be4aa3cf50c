// SPDX-License-Identifier: Apache-2.0
package io.cloister.nativeio.seccomp;

import io.cloister.nativeio.libc.Architecture;
import io.cloister.nativeio.libc.Linux;
import io.cloister.nativeio.seccomp.ArgumentCondition.Width;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** Evaluates a policy as its documentation reads: what a compiled filter must agree with. */
final class NaivePolicy {

    private final SeccompPolicy policy;
    private final Architecture architecture;
    private final Map<Integer, String> names = new TreeMap<>();

    NaivePolicy(SeccompPolicy policy, Architecture architecture, Map<String, Integer> numbers) {
        this.policy = policy;
        this.architecture = architecture;
        numbers.forEach((name, number) -> names.put(number, name));
    }

    Action decide(BpfInterpreter.Call call) {
        String own =
                architecture == Architecture.X86_64 ? "AUDIT_ARCH_X86_64" : "AUDIT_ARCH_AARCH64";
        if (call.architecture() != (int) Linux.constant(own)) {
            return policy.foreignAction();
        }
        if (architecture == Architecture.X86_64
                && Integer.toUnsignedLong(call.number()) >= 0x4000_0000L) {
            return policy.foreignAction();
        }
        String name = names.get(call.number());
        if (name == null) {
            return policy.unknownAction();
        }
        for (SeccompRule rule : policy.rules()) {
            if (rule.calls().contains(name)
                    && rule.conditions().stream().allMatch(c -> holds(c, call.arguments()))) {
                return rule.action();
            }
        }
        return policy.defaultAction();
    }

    private static boolean holds(ArgumentCondition condition, List<Long> arguments) {
        long argument = arguments.get(condition.argument());
        if (condition.width() == Width.INT) {
            argument = argument & 0xffff_ffffL;
        }
        long value = condition.value();
        int order = Long.compareUnsigned(argument, value);
        return switch (condition.comparison()) {
            case EQUAL -> (argument & condition.mask()) == value;
            case NOT_EQUAL -> (argument & condition.mask()) != value;
            case LESS -> order < 0;
            case LESS_OR_EQUAL -> order <= 0;
            case GREATER -> order > 0;
            case GREATER_OR_EQUAL -> order >= 0;
        };
    }
}
