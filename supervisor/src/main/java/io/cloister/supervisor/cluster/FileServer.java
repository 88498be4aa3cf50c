// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.cluster;

import akka.actor.typed.ActorRef;
import akka.stream.SourceRef;
import akka.util.ByteString;
import io.cloister.protocol.run.Content;
import java.util.Objects;

/** Streams the files of this node's store to other nodes. */
public final class FileServer {
    /** What it can be asked. */
    public sealed interface Command {}

    /** Send a file. */
    public record Fetch(Content.Stored file, ActorRef<Reply> replyTo) implements Command, Remote {
        public Fetch {
            Objects.requireNonNull(file, "file");
            Objects.requireNonNull(replyTo, "replyTo");
        }
    }

    /** The answer to {@link Fetch}. */
    public sealed interface Reply {}

    /** Here it comes, once. */
    public record Found(Content.Stored file, long size, SourceRef<ByteString> bytes)
            implements Reply, Remote {}

    /** There is no such file. */
    public record Absent(Content.Stored file) implements Reply, Remote {}

    private FileServer() {}
}
