// SPDX-License-Identifier: Apache-2.0
package io.cloister.protocol.message;

/**
 * At a look at a container, every thread of its programs waited for another one.
 *
 * @param inPipe whether one of them at least waits in a pipe, of which the other end may be in
 *     another container
 * @param fingerprint of which threads there are, and of how long and how often each has run: the
 *     same at two looks only if none has run in between
 */
public record Standstill(boolean inPipe, long fingerprint) {}
