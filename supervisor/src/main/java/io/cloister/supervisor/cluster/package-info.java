// SPDX-License-Identifier: Apache-2.0

/**
 * Judge workers in an Akka cluster: clients give runs to the one queue, which assigns them to
 * workers with free slots and returns each result once. See docs/cluster.md.
 *
 * <pre>
 * RunClient (every node) ── Submit ──▶ RunQueue (one in the cluster) ── Assignment ──▶ WorkerNode
 *          ◀── Accepted, Begun, Answer ──              ◀── Attached, Finished, HandBack ──
 *          ── Acknowledge ──▶                          ── Cancel, Settled ──▶
 * </pre>
 *
 * <p>Contents travel beside the messages: {@link io.cloister.supervisor.cluster.FileServer} streams
 * them from the node that has them, by the SHA-256 of their bytes.
 */
@NullMarked
package io.cloister.supervisor.cluster;

import org.jspecify.annotations.NullMarked;
