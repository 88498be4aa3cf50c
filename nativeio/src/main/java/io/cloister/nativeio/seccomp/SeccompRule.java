// SPDX-License-Identifier: Apache-2.0
package io.cloister.nativeio.seccomp;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Objects;
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.regex.Pattern;

/**
 * An action for a set of system calls, if all conditions hold.
 *
 * @param action what happens when the rule matches
 * @param calls names as in the kernel's headers ({@code __NR_} left out), at least one
 * @param conditions a conjunction, at most {@value #MAX_CONDITIONS}; empty matches every call
 * @param optional whether a name that no architecture's headers know is skipped rather than an
 *     error: for calls younger than the oldest headers that we build with
 */
public record SeccompRule(
        Action action,
        SortedSet<String> calls,
        List<ArgumentCondition> conditions,
        boolean optional) {

    /** Bounds what one rule can add to the filter. */
    public static final int MAX_CONDITIONS = 16;

    private static final Pattern NAME = Pattern.compile("[a-z_][a-z0-9_]{0,63}");

    public SeccompRule {
        Objects.requireNonNull(action, "action");
        calls = Collections.unmodifiableSortedSet(new TreeSet<>(calls));
        conditions = List.copyOf(conditions);
        if (calls.isEmpty()) {
            throw new IllegalArgumentException("a rule must name at least one system call");
        }
        for (String call : calls) {
            if (!NAME.matcher(call).matches()) {
                throw new IllegalArgumentException("not the name of a system call: " + call);
            }
        }
        if (conditions.size() > MAX_CONDITIONS) {
            throw new IllegalArgumentException(
                    "a rule has at most %d conditions, not %d"
                            .formatted(MAX_CONDITIONS, conditions.size()));
        }
    }

    /** A rule without conditions. */
    public static SeccompRule of(Action action, String... calls) {
        return new SeccompRule(action, new TreeSet<>(Arrays.asList(calls)), List.of(), false);
    }

    /** This rule, if these conditions hold as well as its own. */
    public SeccompRule when(ArgumentCondition... more) {
        List<ArgumentCondition> all = new ArrayList<>(conditions);
        all.addAll(Arrays.asList(more));
        return new SeccompRule(action, calls, all, optional);
    }

    /** This rule, with names unknown to the headers skipped. */
    public SeccompRule whereKnown() {
        return new SeccompRule(action, calls, conditions, true);
    }

    /** This rule with another action. */
    public SeccompRule withAction(Action other) {
        return new SeccompRule(other, calls, conditions, optional);
    }
}
