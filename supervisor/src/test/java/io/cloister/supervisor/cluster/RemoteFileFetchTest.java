// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.cluster;

import static org.assertj.core.api.Assertions.assertThat;

import akka.NotUsed;
import akka.actor.testkit.typed.javadsl.ActorTestKit;
import akka.actor.testkit.typed.javadsl.TestProbe;
import akka.actor.typed.ActorRef;
import akka.actor.typed.ActorRefResolver;
import akka.cluster.MemberStatus;
import akka.cluster.typed.Cluster;
import akka.cluster.typed.Join;
import akka.stream.javadsl.Source;
import akka.stream.javadsl.StreamRefs;
import akka.util.ByteString;
import com.typesafe.config.ConfigFactory;
import io.cloister.protocol.message.Failure;
import io.cloister.protocol.unit.ByteSize;
import io.cloister.protocol.unit.Bytes;
import io.cloister.supervisor.io.FileStore;
import io.cloister.supervisor.io.OwnProcess;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Two nodes of a cluster, over the network. */
@Timeout(180)
class RemoteFileFetchTest {
    private static final Duration LIMIT = Duration.ofSeconds(60);
    private static final Duration PATIENCE = Duration.ofSeconds(5);

    private final ActorTestKit there = node();
    private final ActorTestKit here = node();
    private final FileStore theirs = store();
    private final FileStore ours = store();
    private final TestProbe<FileFetch.Reply> replies = here.createTestProbe(FileFetch.Reply.class);
    private final ActorRef<FileFetch.Command> fetch = here.spawn(FileFetch.create(ours, PATIENCE));

    private static ActorTestKit node() {
        return ActorTestKit.create(
                "files",
                ConfigFactory.parseString(
                                """
                                akka.actor.provider = cluster
                                akka.remote.artery.canonical { hostname = "127.0.0.1", port = 0 }
                                akka.cluster.jmx.enabled = off
                                # its end comes without notice
                                akka.coordinated-shutdown.run-by-actor-system-terminate = off
                                akka.coordinated-shutdown.terminate-actor-system = off
                                """)
                        .withFallback(ConfigFactory.load()));
    }

    private static FileStore store() {
        return new FileStore(
                new FileStore.Settings(
                        ByteSize.ofMiB(100), ByteSize.ofMiB(64), 100, Duration.ofHours(1)));
    }

    @BeforeEach
    void join() {
        Cluster first = Cluster.get(there.system());
        Cluster second = Cluster.get(here.system());
        first.manager().tell(Join.create(first.selfMember().address()));
        second.manager().tell(Join.create(first.selfMember().address()));
        Awaitility.await()
                .atMost(LIMIT)
                .until(() -> second.selfMember().status().equals(MemberStatus.up()));
    }

    @AfterEach
    void close() {
        here.shutdownTestKit();
        there.shutdownTestKit();
        ours.close();
        theirs.close();
    }

    /** What another node sees of an actor. */
    private ActorRef<FileServer.Command> remote(ActorRef<FileServer.Command> server) {
        String text = ActorRefResolver.get(there.system()).toSerializationFormat(server);
        ActorRef<FileServer.Command> remote =
                ActorRefResolver.get(here.system()).resolveActorRef(text);
        assertThat(remote.path().address().hasGlobalScope()).isTrue();
        return remote;
    }

    private ActorRef<FileServer.Command> liar(long size, Source<ByteString, NotUsed> bytes) {
        TestProbe<FileServer.Command> server = there.createTestProbe(FileServer.Command.class);
        Thread.startVirtualThread(() -> {
            FileServer.Fetch asked = server.expectMessageClass(FileServer.Fetch.class, LIMIT);
            asked.replyTo()
                    .tell(
                            new FileServer.Found(
                                    asked.file(),
                                    size,
                                    bytes.runWith(StreamRefs.sourceRef(), there.system())));
        });
        return remote(server.ref());
    }

    private static Bytes random(int length) {
        byte[] bytes = new byte[length];
        new Random(length).nextBytes(bytes);
        return Bytes.wrap(bytes);
    }

    @Test
    void shouldBringTheLargestFile() throws Exception {
        String id = theirs.put(random(64 << 20)).id();
        ActorRef<FileServer.Command> server = remote(there.spawn(FileServer.create(theirs)));
        fetch.tell(new FileFetch.Get(Set.of(id), server, replies.ref()));

        replies.expectMessage(LIMIT, new FileFetch.Fetched());
        assertThat(ours.list()) // under this id only if it has these bytes
                .containsExactly(new FileStore.StoredFile(id, ByteSize.ofMiB(64)));

        fetch.tell(new FileFetch.Get(Set.of("0".repeat(64)), server, replies.ref()));
        Failure failure = replies.expectMessageClass(FileFetch.NotFetched.class, LIMIT).failure();
        assertThat(failure.kind()).isEqualTo(Failure.Kind.NOT_FOUND);
        assertThat(failure.describe())
                .contains(Cluster.get(there.system()).selfMember().address().toString());
    }

    @Test
    void shouldKeepNothingThatIsNotAsAnnounced() throws Exception {
        Bytes bytes = random(3_000_000);
        String id = theirs.put(bytes).id();
        ByteString sent = ByteString.fromArray(bytes.toArray());
        Source<ByteString, NotUsed> chunks =
                Source.range(0, 2)
                        .map(i -> sent.slice(i * 1_000_000, (i + 1) * 1_000_000))
                        .mapConcat(RemoteFileFetchTest::small);
        int before = OwnProcess.memoryFiles();

        assertFails(id, 3_000_000, chunks.drop(1), "bytes announced came");
        assertFails(id, 2_000_000, chunks, "more of it than the 2000000 bytes");
        assertFails(id, (64 << 20) + 1, chunks, "cloister.store.max-file-size");
        assertFails(
                id,
                3_000_000,
                chunks.drop(1)
                        .prepend(chunks.take(1).map(chunk -> chunk.drop(1).concat(chunk.take(1)))),
                "another SHA-256");
        assertFails(
                id,
                3_000_000,
                chunks.take(5).concat(Source.failed(new IllegalStateException("a test"))),
                "Remote");
        assertThat(ours.list()).isEmpty();
        Awaitility.await()
                .atMost(LIMIT)
                .untilAsserted(() -> assertThat(OwnProcess.memoryFiles()).isEqualTo(before));
    }

    private static Iterable<ByteString> small(ByteString bytes) {
        List<ByteString> chunks = new ArrayList<>();
        for (ByteString left = bytes; !left.isEmpty(); left = left.drop(50_000)) {
            chunks.add(left.take(50_000));
        }
        return chunks;
    }

    private void assertFails(String id, long size, Source<ByteString, NotUsed> bytes, String why) {
        fetch.tell(new FileFetch.Get(Set.of(id), liar(size, bytes), replies.ref()));
        Failure failure = replies.expectMessageClass(FileFetch.NotFetched.class, LIMIT).failure();
        assertThat(failure.describe()).contains(id).contains(why);
    }

    @Test
    void shouldGiveUpWhenTheOtherNodeDiesInTheMiddle() throws Exception {
        int before = OwnProcess.memoryFiles();
        CountDownLatch begun = new CountDownLatch(3);
        Source<ByteString, NotUsed> slow =
                Source.repeat(ByteString.fromString("x"))
                        .throttle(20, Duration.ofSeconds(1))
                        .map(bytes -> {
                            begun.countDown();
                            return bytes;
                        });
        fetch.tell(new FileFetch.Get(Set.of("0".repeat(64)), liar(64 << 20, slow), replies.ref()));
        assertThat(begun.await(LIMIT.toSeconds(), TimeUnit.SECONDS)).isTrue();
        there.shutdownTestKit();

        Failure failure = replies.expectMessageClass(FileFetch.NotFetched.class, LIMIT).failure();
        assertThat(failure.kind()).isEqualTo(Failure.Kind.UNAVAILABLE);
        assertThat(ours.list()).isEmpty();
        Awaitility.await()
                .atMost(LIMIT)
                .untilAsserted(() -> assertThat(OwnProcess.memoryFiles()).isEqualTo(before));
    }
}
