// SPDX-License-Identifier: Apache-2.0
package io.cloister.protocol.message;

/**
 * Bring the container back to how it was after conf: every tmpfs empty, no System V IPC or POSIX
 * queue, no process. Answered by {@link ResetReply}; a failure destroys the container.
 */
public record Reset() implements Request {}
