// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.cluster;

import io.cloister.protocol.check.Check;
import java.time.Duration;
import java.util.Set;
import java.util.TreeSet;

/**
 * On what terms a run is to be carried out.
 *
 * @param priority among the runs of its tenant, the highest first: -100 to 100
 * @param deadline from its submission on; then it is answered {@link Answer.Expired}, and nobody
 *     works for it any more
 * @param tags that its worker must have, for example the languages that are installed
 */
public record Terms(int priority, Duration deadline, Set<String> tags) {
    public static final int MAX_PRIORITY = 100;
    public static final int MAX_TAGS = 32;
    public static final int MAX_TAG_BYTES = 64;
    public static final Duration MAX_DEADLINE = Duration.ofDays(7);
    public static final Terms STANDARD = new Terms(0, Duration.ofMinutes(10), Set.of());

    public Terms {
        Check.range("priority", priority, -MAX_PRIORITY, MAX_PRIORITY);
        Check.duration("deadline", deadline, Duration.ZERO, MAX_DEADLINE);
        tags = checkedTags(tags);
    }

    static Set<String> checkedTags(Set<String> tags) {
        Check.range("number of tags", tags.size(), 0, MAX_TAGS);
        tags.forEach(tag -> Check.filledText("tag", tag, MAX_TAG_BYTES));
        return java.util.Collections.unmodifiableSet(new TreeSet<>(tags));
    }

    public Terms withDeadline(Duration left) {
        return new Terms(priority, left, tags);
    }
}
