// SPDX-License-Identifier: Apache-2.0
package io.cloister.protocol.message;

/** It is gone. */
public record Deleted() implements DeleteReply {}
