// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.cluster;

import io.cloister.protocol.run.RunResult;

/** What became of a run that was submitted to the cluster; each is answered once. */
public sealed interface RunReply {
    /** The run's id. */
    String id();

    /**
     * It was carried out, or the last of several workers could not.
     *
     * @param result its stored files are in this node's file store
     * @param worker the address of the worker that did
     * @param attempts how many times it was given to a worker
     */
    record Completed(RunResult result, String worker, int attempts) implements RunReply {
        @Override
        public String id() {
            return result.id();
        }
    }

    /** It was not carried out. */
    record NotCompleted(String id, Reason reason, String explanation) implements RunReply {}

    /** Why a run was not carried out. */
    enum Reason {
        /** The queue is full: try again later. */
        OVERLOADED,
        /** Its deadline passed. */
        EXPIRED,
        /** It was cancelled. */
        CANCELLED,
        /** Too many workers were lost with it: look at it before trying again. */
        QUARANTINED,
        /** It cannot be carried out as it is: correct it. */
        REFUSED
    }
}
