// SPDX-License-Identifier: Apache-2.0
package io.cloister.protocol.message;

import io.cloister.protocol.check.Check;
import io.cloister.protocol.check.InvalidRequest;
import io.cloister.protocol.container.SymbolicLink;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * Make symbolic links. Answered by {@link SymlinkReply} with the errors, one per link.
 *
 * @param links 1 to 1024, no path twice
 */
public record Symlink(List<SymbolicLink> links) implements Request {
    public static final int MAX_LINKS = 1024;

    public Symlink {
        links = Check.list("symbolic links", links, MAX_LINKS);
        Check.that(!links.isEmpty(), "no symbolic link to make: name at least one");
        Set<String> paths = new HashSet<>();
        for (SymbolicLink link : links) {
            if (!paths.add(link.link())) {
                throw new InvalidRequest(
                        "the symbolic link %s is to be made twice: keep one"
                                .formatted(Check.quoted(link.link())));
            }
        }
    }

    public static Symlink of(SymbolicLink... links) {
        return new Symlink(List.of(links));
    }
}
