// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.container;

import io.cloister.protocol.message.Failure;

/** Nothing was opened. */
public record OpenFailed(Failure failure) implements OpenReply {}
