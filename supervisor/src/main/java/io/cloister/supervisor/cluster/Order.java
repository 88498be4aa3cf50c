// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.cluster;

import akka.actor.typed.ActorRef;
import io.cloister.protocol.check.Check;
import io.cloister.protocol.run.Run;
import java.util.Objects;

/**
 * A run that is to be carried out by some worker.
 *
 * @param containers that it needs at once: one for each program
 * @param lost how many workers are known to have been lost with it
 * @param run a {@link Run}
 * @param files from where its parcel and its stored files come
 */
public record Order(
        RunKey key,
        Terms terms,
        int containers,
        int lost,
        Parcel run,
        ActorRef<FileServer.Command> files) {
    private static final int MAX_LOST = 1000;

    public Order {
        Objects.requireNonNull(key, "key");
        Objects.requireNonNull(terms, "terms");
        Check.range("containers", containers, 1, Run.MAX_PROGRAMS);
        Check.range("lost workers", lost, 0, MAX_LOST);
        Objects.requireNonNull(run, "run");
        Objects.requireNonNull(files, "files");
    }

    public Order withTerms(Terms other) {
        return new Order(key, other, containers, lost, run, files);
    }
}
