// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.cluster;

import akka.Done;
import akka.actor.typed.ActorRef;
import akka.actor.typed.Behavior;
import akka.actor.typed.javadsl.AbstractOnMessageBehavior;
import akka.actor.typed.javadsl.ActorContext;
import akka.actor.typed.javadsl.Behaviors;
import akka.japi.Pair;
import akka.stream.SourceRef;
import akka.stream.javadsl.Keep;
import akka.stream.javadsl.Source;
import akka.stream.javadsl.StreamRefs;
import akka.util.ByteString;
import io.cloister.nativeio.fd.Fd;
import io.cloister.protocol.run.Content;
import io.cloister.supervisor.io.FileStore;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Objects;
import java.util.Optional;
import java.util.Queue;
import java.util.concurrent.CompletionStage;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Streams the files of this node's store to other nodes, as fast as each takes them. Spawn one on
 * each node.
 */
public final class FileServer extends AbstractOnMessageBehavior<FileServer.Command> {
    private static final Logger LOG = LoggerFactory.getLogger(FileServer.class);

    /** Bytes in a message: well below the largest frame of remoting, 256 KiB by default. */
    private static final int CHUNK = 64 * 1024;

    /** At a time; each has a descriptor open. */
    private static final int MAX_STREAMS = 32;

    private static final int MAX_WAITING = 10_000;

    /** A stream whose receiver takes nothing for so long is given up. */
    private static final Duration STALLED = Duration.ofSeconds(30);

    /** What it can be asked. */
    public sealed interface Command {}

    /** Send a file. One that has to wait for too many others is not answered. */
    public record Fetch(Content.Stored file, ActorRef<Reply> replyTo) implements Command, Remote {
        public Fetch {
            Objects.requireNonNull(file, "file");
            Objects.requireNonNull(replyTo, "replyTo");
        }
    }

    private record Ended() implements Command {}

    /** The answer to {@link Fetch}. */
    public sealed interface Reply {}

    /** Here it comes, once. */
    public record Found(Content.Stored file, long size, SourceRef<ByteString> bytes)
            implements Reply, Remote {}

    /** There is no such file. */
    public record Absent(Content.Stored file) implements Reply, Remote {}

    /** A file that is being read. */
    private static final class Reading {
        private final Fd file;
        private long offset;

        Reading(Fd file) {
            this.file = file;
        }

        Optional<ByteString> next() throws IOException {
            byte[] chunk = new byte[CHUNK];
            int length = file.readAt(offset, chunk);
            offset += length;
            return length == 0
                    ? Optional.empty()
                    : Optional.of(
                            ByteString.fromArrayUnsafe(
                                    length == CHUNK ? chunk : Arrays.copyOf(chunk, length)));
        }
    }

    private final FileStore store;
    private final Queue<Fetch> waiting = new ArrayDeque<>();
    private int streams;

    private FileServer(ActorContext<Command> context, FileStore store) {
        super(context);
        this.store = store;
    }

    /**
     * The behaviour of a node's server.
     *
     * @param store stays the caller's
     */
    public static Behavior<Command> create(FileStore store) {
        return Behaviors.setup(context -> new FileServer(context, store));
    }

    @Override
    public Behavior<Command> onMessage(Command command) {
        switch (command) {
            case Fetch fetch when streams < MAX_STREAMS -> send(fetch);
            case Fetch fetch when waiting.size() < MAX_WAITING -> waiting.add(fetch);
            case Fetch fetch -> LOG.warn("{} fetches wait: one more is dropped", waiting.size());
            case Ended ended -> {
                streams--;
                Fetch next = waiting.poll();
                if (next != null) {
                    send(next);
                }
            }
        }
        return this;
    }

    private void send(Fetch fetch) {
        Optional<Fd> found;
        long size;
        try {
            found = store.open(fetch.file().id());
            size = found.isPresent() ? found.get().size() : 0;
        } catch (IOException e) { // whoever waits for it asks again, or somebody else
            LOG.error("cannot open {} of the file store", fetch.file().id(), e);
            return;
        }
        if (found.isEmpty()) {
            fetch.replyTo().tell(new Absent(fetch.file()));
            return;
        }
        streams++;
        Fd file = found.get();
        Pair<CompletionStage<Done>, SourceRef<ByteString>> stream =
                Source.unfoldResource(
                                () -> new Reading(file), Reading::next, reading -> file.close())
                        .backpressureTimeout(STALLED)
                        .watchTermination(Keep.right())
                        .toMat(StreamRefs.sourceRef(), Keep.both())
                        .run(getContext().getSystem());
        getContext().pipeToSelf(stream.first(), (done, failure) -> new Ended());
        fetch.replyTo().tell(new Found(fetch.file(), size, stream.second()));
    }
}
