// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.cluster;

import io.cloister.protocol.check.Check;
import java.util.Set;

/**
 * What a worker is and has.
 *
 * @param node its address
 * @param slots how many containers it runs programs in at once
 * @param cores that it may use
 * @param memoryBytes of the host, or of the group that the worker is in if that is less
 * @param architecture as uname(1) calls it
 * @param cgroups the version of its control groups: "v2", "v1" or "none"
 * @param tags by configuration, for example the languages that are installed
 * @param version of Cloister
 */
public record Capabilities(
        String node,
        int slots,
        int cores,
        long memoryBytes,
        String architecture,
        String cgroups,
        Set<String> tags,
        String version) {
    /** What a worker is at has to fit into a message. */
    public static final int MAX_SLOTS = 512;

    private static final int MAX_TEXT_BYTES = 512;

    public Capabilities {
        Check.filledText("node", node, MAX_TEXT_BYTES);
        Check.range("slots", slots, 1, MAX_SLOTS);
        Check.range("cores", cores, 1, Integer.MAX_VALUE);
        Check.range("memory", memoryBytes, 0, Long.MAX_VALUE);
        Check.text("architecture", architecture, MAX_TEXT_BYTES);
        Check.text("cgroups", cgroups, MAX_TEXT_BYTES);
        tags = Terms.checkedTags(tags);
        Check.text("version", version, MAX_TEXT_BYTES);
    }
}
