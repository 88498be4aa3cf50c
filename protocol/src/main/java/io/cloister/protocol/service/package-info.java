// SPDX-License-Identifier: Apache-2.0
/**
 * What a client and the supervisor's local service say to each other over a Unix socket:
 * docs/protocol.md, "Between a worker and the service".
 */
@NullMarked
package io.cloister.protocol.service;

import org.jspecify.annotations.NullMarked;
