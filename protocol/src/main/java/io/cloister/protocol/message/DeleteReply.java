// SPDX-License-Identifier: Apache-2.0
package io.cloister.protocol.message;

/** Answers {@link Delete}. */
public sealed interface DeleteReply extends Reply permits Deleted, Failure {}
