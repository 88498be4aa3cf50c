// SPDX-License-Identifier: Apache-2.0
package io.cloister.protocol.message;

/** Answers {@link Reset}. */
public sealed interface ResetReply extends Reply permits ResetDone, Failure {}
