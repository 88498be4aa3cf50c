// SPDX-License-Identifier: Apache-2.0
package io.cloister.protocol.run;

import io.cloister.protocol.check.Check;
import io.cloister.protocol.unit.Bytes;

/**
 * What a program wrote to a collected stream.
 *
 * @param content at most as many bytes as the request allows
 * @param truncated more was written
 */
public record Output(Bytes content, boolean truncated) {
    public Output {
        Check.range("collected bytes", content.length(), 0, Stream.MAX_COLLECTED.bytes());
    }
}
