// SPDX-License-Identifier: Apache-2.0
package io.cloister.protocol.message;

/** Answers {@link Ping}. */
public sealed interface PingReply extends Reply permits Pong, Failure {}
