// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.cluster;

import akka.actor.typed.ActorRef;
import io.cloister.protocol.check.Check;
import java.util.Objects;

/** What became of a run, as nodes tell each other. */
public sealed interface Answer {
    int MAX_REASON_BYTES = 2048;
    int MAX_WORKER_BYTES = 512;

    /**
     * It was carried out.
     *
     * @param worker its address
     * @param result a {@link io.cloister.protocol.run.RunResult}
     * @param files from where the parcel and the stored files in it come
     */
    record Result(int attempt, String worker, Parcel result, ActorRef<FileServer.Command> files)
            implements Answer {
        public Result {
            Check.range("attempt", attempt, 1, Integer.MAX_VALUE);
            Check.text("worker", worker, MAX_WORKER_BYTES);
            Objects.requireNonNull(result, "result");
            Objects.requireNonNull(files, "files");
        }
    }

    /** Its deadline has passed. */
    record Expired() implements Answer {}

    /** It was cancelled. */
    record Cancelled() implements Answer {}

    /** It was given up: too many workers were lost with it. */
    record Quarantined(int lost) implements Answer {}

    /** The queue is full: try again later. */
    record Overloaded(String reason) implements Answer {
        public Overloaded {
            Check.text("reason", reason, MAX_REASON_BYTES);
        }
    }

    /** It cannot be carried out as it is. */
    record Refused(String reason) implements Answer {
        public Refused {
            Check.text("reason", reason, MAX_REASON_BYTES);
        }
    }
}
