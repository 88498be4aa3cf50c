// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.observe;

/** What can be counted at any time; the sum over those in a node that have some. */
public enum Level {
    SLOTS_OFFERED,
    SLOTS_USED,
    QUEUE_WAITING,
    QUEUE_RUNNING,
    QUEUE_UNFETCHED,
    CONTAINERS_STARTING,
    CONTAINERS_IDLE,
    CONTAINERS_LEASED,
    CONTAINERS_CLEANING,
    CONTAINER_REQUESTS
}
