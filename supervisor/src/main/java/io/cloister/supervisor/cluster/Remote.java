// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.cluster;

/**
 * A message that nodes send each other: {@link ClusterSerializer} turns it into bytes and back, and
 * knows each class by a number.
 */
public interface Remote {}
