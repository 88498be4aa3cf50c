// SPDX-License-Identifier: Apache-2.0
package io.cloister.nativeio.seccomp;

import static io.cloister.nativeio.seccomp.ArgumentCondition.int64;

import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.function.UnaryOperator;
import java.util.regex.Pattern;

/**
 * A decision for every system call: of the rules that name it, the first whose conditions hold.
 *
 * @param name letters, digits and hyphens
 * @param version counts up whenever a release changes the rules, so that a result can say which
 *     ones were in force
 * @param defaultAction for calls that the headers know and no rule decides
 * @param unknownAction for numbers that the headers do not know. A kernel younger than the headers
 *     gives them a meaning that no rule could have named; {@code ENOSYS} makes such a kernel look
 *     as old as the headers, which libraries are made to cope with
 * @param foreignAction for calls through another architecture's entry ({@code int 0x80} on x86-64)
 *     and for x32 numbers: the same numbers mean other calls there, so no rule applies to them
 * @param rules first match wins
 */
public record SeccompPolicy(
        String name,
        int version,
        Action defaultAction,
        Action unknownAction,
        Action foreignAction,
        List<SeccompRule> rules) {

    private static final Pattern NAME = Pattern.compile("[a-z][a-z0-9-]{0,63}");

    public SeccompPolicy {
        Objects.requireNonNull(defaultAction, "defaultAction");
        Objects.requireNonNull(unknownAction, "unknownAction");
        Objects.requireNonNull(foreignAction, "foreignAction");
        rules = List.copyOf(rules);
        if (!NAME.matcher(name).matches()) {
            throw new IllegalArgumentException(
                    "a policy's name is 1 to 64 of a-z, 0-9 and -, beginning with a letter");
        }
        if (version < 1) {
            throw new IllegalArgumentException("versions count from 1, not from " + version);
        }
    }

    /** Name and version, for example {@code default/1}. */
    public String id() {
        return name + "/" + version;
    }

    /** Whether there is nothing to filter, so that no filter need be installed. */
    public boolean allowsEverything() {
        return defaultAction.equals(Action.allow())
                && unknownAction.equals(Action.allow())
                && foreignAction.equals(Action.allow())
                && rules.stream().allMatch(rule -> rule.action().equals(Action.allow()));
    }

    /**
     * These rules as they are installed for a program that is about to be executed: what they would
     * kill is {@linkplain Action.Report reported} instead, so that the result can name the call,
     * and the steps that remain of the start pass by their token ({@link
     * SeccompFilter#bytes(long)}).
     */
    public SeccompPolicy forRun() {
        return map(foreignAction, SeccompPolicy::reported).startable();
    }

    /**
     * These rules for a trial run: whatever they would refuse is {@linkplain Action.Learn noted and
     * executed}. Foreign calls stay refused: their numbers say nothing about what to allow.
     */
    public SeccompPolicy learning() {
        Action foreign = isKill(foreignAction) ? Action.errno("ENOSYS") : foreignAction;
        return map(foreign, action -> action.equals(Action.allow()) ? action : Action.learn())
                .startable();
    }

    /** Whether this action is returned for some call. */
    boolean uses(Action action) {
        return defaultAction.equals(action)
                || unknownAction.equals(action)
                || foreignAction.equals(action)
                || rules.stream().anyMatch(rule -> rule.action().equals(action));
    }

    private SeccompPolicy map(Action foreign, UnaryOperator<Action> mapping) {
        return new SeccompPolicy(
                name,
                version,
                mapping.apply(defaultAction),
                mapping.apply(unknownAction),
                reported(foreign),
                rules.stream().map(rule -> rule.withAction(mapping.apply(rule.action()))).toList());
    }

    private static Action reported(Action action) {
        return isKill(action) ? Action.report() : action;
    }

    private static boolean isKill(Action action) {
        return action.equals(Action.killProcess());
    }

    /** Six registers go with each call; of these calls the kernel reads the first five at most. */
    private SeccompPolicy startable() {
        if (allowsEverything()) {
            return this;
        }
        List<SeccompRule> all = new ArrayList<>();
        ArgumentCondition token = int64(SeccompFilter.TOKEN_ARGUMENT).equalTo(SeccompFilter.TOKEN);
        all.add(SeccompRule.of(Action.allow(), "execve", "execveat").when(token));
        if (uses(Action.report()) || uses(Action.learn())) {
            all.add(SeccompRule.of(Action.allow(), "sendmsg", "dup3").when(token));
        }
        all.addAll(rules);
        return new SeccompPolicy(name, version, defaultAction, unknownAction, foreignAction, all);
    }
}
