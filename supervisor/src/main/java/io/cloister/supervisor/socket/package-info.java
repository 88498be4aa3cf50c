// SPDX-License-Identifier: Apache-2.0
/**
 * Both ends of a connection between a worker and the local service: frames come and go without a
 * thread of their own, and on the worker's side a container is an actor like any other.
 */
@NullMarked
package io.cloister.supervisor.socket;

import org.jspecify.annotations.NullMarked;
