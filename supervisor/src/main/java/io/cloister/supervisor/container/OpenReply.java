// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.container;

/**
 * Answers {@link io.cloister.protocol.message.Open}; not of the protocol, since descriptors stay in
 * one JVM.
 */
public sealed interface OpenReply permits Opened, OpenFailed {}
