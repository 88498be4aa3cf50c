// SPDX-License-Identifier: Apache-2.0
/**
 * The local service: it holds the containers and serves their commands to other processes over a
 * Unix socket, each connection a container of its own. Whoever connects is trusted with no more
 * than the profile that it names allows: docs/threat-model.md.
 */
@NullMarked
package io.cloister.supervisor.service;

import org.jspecify.annotations.NullMarked;
