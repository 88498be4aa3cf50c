// SPDX-License-Identifier: Apache-2.0
package io.cloister.nativeio.seccomp;

import java.util.List;
import java.util.Objects;
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
 * @param rules first match wins
 */
public record SeccompPolicy(
        String name,
        int version,
        Action defaultAction,
        Action unknownAction,
        List<SeccompRule> rules) {

    private static final Pattern NAME = Pattern.compile("[a-z][a-z0-9-]{0,63}");

    public SeccompPolicy {
        Objects.requireNonNull(defaultAction, "defaultAction");
        Objects.requireNonNull(unknownAction, "unknownAction");
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
                && rules.stream().allMatch(rule -> rule.action().equals(Action.allow()));
    }

    /**
     * The same rules for a trial: whatever they would refuse is executed and written to the audit
     * log. Calls through a foreign architecture still kill the process.
     */
    public SeccompPolicy logOnly() {
        return new SeccompPolicy(
                name + "-log",
                version,
                logged(defaultAction),
                logged(unknownAction),
                rules.stream().map(rule -> rule.withAction(logged(rule.action()))).toList());
    }

    private static Action logged(Action action) {
        return action.equals(Action.allow()) ? Action.allow() : Action.log();
    }
}
