// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.doctor;

import java.util.ArrayList;
import java.util.List;

/** Whether the ids of containers are nobody else's. */
final class IdRanges {
    private IdRanges() {}

    /**
     * Users, groups and subordinate ranges that lie in the block, in words: passwd(5), group(5),
     * subuid(5). Lines that are not as the manual has them are passed over.
     */
    static List<String> overlaps(HostFiles files, long first, long count) {
        List<String> found = new ArrayList<>();
        for (String file : List.of("/etc/passwd", "/etc/group")) {
            for (String line : files.lines(file)) {
                String[] fields = line.split(":");
                if (fields.length > 2 && overlap(fields[2], "1", first, count)) {
                    found.add("%s has id %s (%s)".formatted(fields[0], fields[2], file));
                }
            }
        }
        for (String file : List.of("/etc/subuid", "/etc/subgid")) {
            for (String line : files.lines(file)) {
                String[] fields = line.split(":");
                if (fields.length == 3 && overlap(fields[1], fields[2], first, count)) {
                    found.add(
                            "%s may use %s ids from %s (%s)"
                                    .formatted(fields[0], fields[2], fields[1], file));
                }
            }
        }
        return found;
    }

    private static boolean overlap(String start, String size, long first, long count) {
        try {
            long from = Long.parseLong(start.strip());
            long to = from + Long.parseLong(size.strip());
            return from < first + count && first < to;
        } catch (NumberFormatException e) {
            return false;
        }
    }
}
