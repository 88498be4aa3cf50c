// SPDX-License-Identifier: Apache-2.0
package io.cloister.protocol.message;

/** Answers {@link Symlink}. */
public sealed interface SymlinkReply extends Reply permits Linked, Failure {}
