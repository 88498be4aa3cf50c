// SPDX-License-Identifier: Apache-2.0
package io.cloister.protocol.message;

import io.cloister.protocol.check.Check;
import java.util.regex.Pattern;

/**
 * The seccomp profile a program runs under, by name.
 *
 * @param profile 1 to 64 lower-case letters, digits, dots, hyphens and underscores; then {@code /}
 *     and a version, if it must be that one; then {@code :log}, if calls shall be observed that the
 *     profile would refuse, rather than refused. An unknown name fails the execve
 */
public record Seccomp(String profile) {
    private static final Pattern NAME =
            Pattern.compile("[a-z0-9][a-z0-9._-]{0,63}(/[0-9]{1,9})?(:log)?");

    private static final int MAX_LENGTH = 64 + "/123456789:log".length();

    /** The worker's default profile. */
    public static final Seccomp DEFAULT = new Seccomp("default");

    /** No filter. For trusted programs only. */
    public static final Seccomp NONE = new Seccomp("none");

    public Seccomp {
        Check.filledText("name of a seccomp profile", profile, MAX_LENGTH);
        Check.that(
                NAME.matcher(profile).matches(),
                () ->
                        ("name of a seccomp profile %s: use lower-case letters, digits, . _ and - only,"
                                        + " then /VERSION and :log where wanted")
                                .formatted(Check.quoted(profile)));
    }
}
