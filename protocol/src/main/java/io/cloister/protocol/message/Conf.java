// SPDX-License-Identifier: Apache-2.0
package io.cloister.protocol.message;

import io.cloister.protocol.container.ContainerConfig;
import java.util.Objects;

/**
 * Build the container's file system and names; once, before anything but ping. Answered by {@link
 * ConfReply}; a failure destroys the container.
 */
public record Conf(ContainerConfig config) implements Request {
    public Conf {
        Objects.requireNonNull(config, "config");
    }
}
