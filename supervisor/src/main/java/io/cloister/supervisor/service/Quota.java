// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.service;

import io.cloister.protocol.unit.ByteSize;
import java.util.Optional;

/**
 * What one peer, which is one user id, may have at a time.
 *
 * @param containers connections, that is
 * @param memory sum of the memory limits of the programs that run; if there is one, every profile
 *     has a limit
 * @param descriptors that came with calls which are not answered
 * @param calls that are not answered, of one connection
 */
public record Quota(int containers, Optional<ByteSize> memory, int descriptors, int calls) {}
