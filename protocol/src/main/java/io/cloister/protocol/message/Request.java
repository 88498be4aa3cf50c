// SPDX-License-Identifier: Apache-2.0
package io.cloister.protocol.message;

/** One of the seven commands of a container. Each is answered exactly once. */
public sealed interface Request permits Ping, Conf, Open, Symlink, Delete, Reset, Execve {}
