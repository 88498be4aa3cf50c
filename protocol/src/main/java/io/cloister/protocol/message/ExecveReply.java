// SPDX-License-Identifier: Apache-2.0
package io.cloister.protocol.message;

/** Answers {@link Execve}. */
public sealed interface ExecveReply extends Reply permits ExecveResult, Failure {}
