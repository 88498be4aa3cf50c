// SPDX-License-Identifier: Apache-2.0
package io.cloister.protocol.unit;

/**
 * An enum constant with the number that stands for it in messages; it is never given to another.
 */
public interface Coded {
    /** 0 to 255, distinct within its enum. */
    int code();
}
