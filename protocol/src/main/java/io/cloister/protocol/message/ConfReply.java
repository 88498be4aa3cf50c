// SPDX-License-Identifier: Apache-2.0
package io.cloister.protocol.message;

/** Answers {@link Conf}. */
public sealed interface ConfReply extends Reply permits Configured, Failure {}
