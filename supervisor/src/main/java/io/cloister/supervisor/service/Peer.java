// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.service;

import io.cloister.nativeio.fd.SlowCloser;
import io.cloister.protocol.message.Failure;
import io.cloister.protocol.unit.ByteSize;
import java.util.Optional;

/** One user id's share of the service; of the containers' thread alone. */
final class Peer {
    private final int uid;
    private final Quota quota;
    private int containers;
    private long memory;
    private int descriptors;
    private final SlowCloser closer;

    Peer(int uid, Quota quota) {
        this.uid = uid;
        this.quota = quota;
        closer = new SlowCloser("descriptors of user " + uid);
    }

    int uid() {
        return uid;
    }

    Quota quota() {
        return quota;
    }

    boolean isIdle() {
        return containers == 0 && closer.pending() == 0;
    }

    /** Closes what came from this user and is of no use. */
    SlowCloser closer() {
        return closer;
    }

    /** Counts another container; why not, if the quota is used up. */
    Optional<Failure> takeContainer() {
        if (containers == quota.containers()) {
            return over(
                    "%d containers, at most %d are allowed"
                            .formatted(containers, quota.containers()));
        }
        if (closer.pending() > quota.descriptors()) {
            return over(
                    "%d descriptors with the service that take long to close, at most %d are allowed"
                            .formatted(closer.pending(), quota.descriptors()));
        }
        containers++;
        return Optional.empty();
    }

    void returnContainer() {
        containers--;
    }

    /** Counts the memory that a program may use; why not, if the quota would be exceeded. */
    Optional<Failure> takeMemory(long bytes) {
        if (quota.memory().isPresent() && bytes > quota.memory().get().bytes() - memory) {
            return over(
                    "programs that may use %s in all, with this one's %s more than the %s that are allowed"
                            .formatted(
                                    ByteSize.ofBytes(memory),
                                    ByteSize.ofBytes(bytes),
                                    quota.memory().get()));
        }
        memory += bytes;
        return Optional.empty();
    }

    void returnMemory(long bytes) {
        memory -= bytes;
    }

    /**
     * Counts descriptors that have come; why not, if the quota would be exceeded. Those that are
     * still being closed are the peer's, too.
     */
    Optional<Failure> takeDescriptors(int count) {
        int unclosed = closer.pending();
        if (count > quota.descriptors() - descriptors - unclosed) {
            return over(
                    "%d descriptors with the service, with these %d more than the %d that are allowed"
                            .formatted(descriptors + unclosed, count, quota.descriptors()));
        }
        descriptors += count;
        return Optional.empty();
    }

    void returnDescriptors(int count) {
        descriptors -= count;
    }

    private Optional<Failure> over(String what) {
        return Optional.of(
                Failure.of(
                        Failure.Kind.UNAVAILABLE,
                        "user %d has %s: try again later".formatted(uid, what)));
    }
}
