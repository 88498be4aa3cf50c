// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.socket;

import java.nio.file.Path;
import java.time.Duration;

/**
 * How a worker reaches the service: {@code cloister.socket} in reference.conf.
 *
 * @param path of the service's socket
 * @param profile the kind of containers
 * @param timeout within which the service must answer whatever takes no time of its own
 */
public record SocketSettings(Path path, String profile, Duration timeout) {}
