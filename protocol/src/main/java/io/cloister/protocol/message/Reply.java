// SPDX-License-Identifier: Apache-2.0
package io.cloister.protocol.message;

/** The answer to a {@link Request}; each command has its own kind, so that a switch is complete. */
public sealed interface Reply
        permits PingReply, ConfReply, SymlinkReply, DeleteReply, ResetReply, ExecveReply {}
