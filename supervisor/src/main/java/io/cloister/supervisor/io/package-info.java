// SPDX-License-Identifier: Apache-2.0
/**
 * What programs read and write: streams that are collected, terminals, relays between programs, the
 * worker's file store, and copies of files.
 *
 * <p>Whatever is at the other end may be hostile: nothing here waits for it, and what is kept of it
 * is bounded. Must not know actors, nor how programs are started.
 */
@NullMarked
package io.cloister.supervisor.io;

import org.jspecify.annotations.NullMarked;
