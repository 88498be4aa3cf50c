// SPDX-License-Identifier: Apache-2.0
package io.cloister.protocol.message;

/** Is the container alive, and what is it doing? Answered by {@link PingReply}. */
public record Ping() implements Request {}
