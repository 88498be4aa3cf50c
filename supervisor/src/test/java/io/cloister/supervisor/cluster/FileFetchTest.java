// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.cluster;

import static org.assertj.core.api.Assertions.assertThat;

import akka.NotUsed;
import akka.actor.testkit.typed.javadsl.ActorTestKit;
import akka.actor.testkit.typed.javadsl.TestProbe;
import akka.actor.typed.ActorRef;
import akka.stream.javadsl.Source;
import akka.stream.javadsl.StreamRefs;
import akka.util.ByteString;
import com.typesafe.config.ConfigFactory;
import io.cloister.nativeio.fd.Fd;
import io.cloister.protocol.message.Failure;
import io.cloister.protocol.run.Content;
import io.cloister.protocol.unit.ByteSize;
import io.cloister.protocol.unit.Bytes;
import io.cloister.supervisor.io.FileException;
import io.cloister.supervisor.io.FileStore;
import io.cloister.supervisor.io.OwnProcess;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.stream.IntStream;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Two stores in one process, and servers that do not tell the truth. */
@Timeout(120)
class FileFetchTest {
    private static final Duration LIMIT = Duration.ofSeconds(30);

    /** Beyond what anything takes that makes progress. */
    private static final Duration PATIENCE = Duration.ofSeconds(20);

    private static final ByteSize MAX_FILE = ByteSize.ofMiB(16);

    private final ActorTestKit kit =
            ActorTestKit.create(
                    "fetch",
                    ConfigFactory.parseString("akka.actor.provider = local")
                            .withFallback(ConfigFactory.load()));
    private final FileStore theirs = store();
    private final FileStore ours = store();
    private final TestProbe<FileFetch.Reply> replies = kit.createTestProbe(FileFetch.Reply.class);
    private int before;

    private static FileStore store() {
        return new FileStore(
                new FileStore.Settings(ByteSize.ofMiB(40), MAX_FILE, 100, Duration.ofHours(1)));
    }

    @BeforeEach
    void count() throws IOException {
        before = OwnProcess.descriptors();
    }

    @AfterEach
    void close() {
        kit.shutdownTestKit();
        theirs.close();
        ours.close();
    }

    private ActorRef<FileServer.Command> server() {
        return kit.spawn(FileServer.create(theirs));
    }

    private ActorRef<FileFetch.Command> fetch(Duration patience) {
        return kit.spawn(FileFetch.create(ours, patience));
    }

    /** One that answers with this stream, whatever it is asked for. */
    private ActorRef<FileServer.Command> liar(long size, Source<ByteString, NotUsed> bytes) {
        TestProbe<FileServer.Command> server = kit.createTestProbe(FileServer.Command.class);
        Thread.startVirtualThread(() -> {
            FileServer.Fetch fetch = server.expectMessageClass(FileServer.Fetch.class, LIMIT);
            fetch.replyTo()
                    .tell(
                            new FileServer.Found(
                                    fetch.file(),
                                    size,
                                    bytes.runWith(StreamRefs.sourceRef(), kit.system())));
        });
        return server.getRef();
    }

    private static Bytes random(int length, int seed) {
        byte[] bytes = new byte[length];
        new Random(seed).nextBytes(bytes);
        return Bytes.wrap(bytes);
    }

    private String put(Bytes bytes) throws FileException, IOException {
        return theirs.put(bytes).id();
    }

    private Failure failure() {
        return replies.expectMessageClass(FileFetch.NotFetched.class, LIMIT).failure();
    }

    /** Neither the stores nor the streams have any file open. */
    private void assertNothingLeft(int files) {
        Awaitility.await()
                .atMost(LIMIT)
                .untilAsserted(
                        () -> assertThat(OwnProcess.descriptors()).isEqualTo(before + files));
    }

    @Test
    void shouldBringFilesOfAnySize() throws Exception {
        List<Bytes> contents =
                List.of(Bytes.EMPTY, random(1, 1), random(64 * 1024, 2), random(5_000_000, 3));
        Set<String> ids = new java.util.TreeSet<>();
        for (Bytes bytes : contents) {
            ids.add(put(bytes));
        }
        fetch(PATIENCE).tell(new FileFetch.Get(ids, server(), replies.getRef()));

        replies.expectMessage(LIMIT, new FileFetch.Fetched());
        for (Bytes bytes : contents) {
            try (Fd file = ours.open(put(bytes)).orElseThrow()) {
                assertThat(Bytes.wrap(file.readUpTo(10_000_000))).isEqualTo(bytes);
            }
        }
        assertNothingLeft(2 * contents.size());
    }

    @Test
    void shouldFetchWhatSeveralWantOnce() throws Exception {
        Bytes bytes = random(3_000_000, 1);
        String id = put(bytes);
        String other = put(random(100, 2));
        TestProbe<FileServer.Command> server = kit.createTestProbe(FileServer.Command.class);
        ActorRef<FileFetch.Command> fetch = fetch(PATIENCE);
        fetch.tell(new FileFetch.Get(Set.of(id), server.getRef(), replies.getRef()));
        fetch.tell(new FileFetch.Get(Set.of(id, other), server.getRef(), replies.getRef()));

        ActorRef<FileServer.Command> real = server();
        List<FileServer.Command> asked = server.receiveSeveralMessages(2, LIMIT);
        assertThat(asked)
                .extracting(message -> ((FileServer.Fetch) message).file().id())
                .containsExactlyInAnyOrder(id, other);
        asked.forEach(real::tell);
        replies.expectMessage(LIMIT, new FileFetch.Fetched());
        replies.expectMessage(LIMIT, new FileFetch.Fetched());

        fetch.tell(new FileFetch.Get(Set.of(id, other), server.getRef(), replies.getRef()));
        replies.expectMessage(LIMIT, new FileFetch.Fetched());
        server.expectNoMessage(Duration.ZERO);
    }

    @Test
    void shouldBringMoreFilesThanGoAtATime() throws Exception {
        Set<String> ids = new java.util.TreeSet<>();
        for (int i : IntStream.range(0, 60).toArray()) {
            ids.add(put(random(10_000 + i, i)));
        }
        ActorRef<FileServer.Command> server = server();
        for (int i = 0; i < 3; i++) {
            fetch(PATIENCE).tell(new FileFetch.Get(ids, server, replies.getRef()));
        }
        for (int i = 0; i < 3; i++) {
            replies.expectMessage(LIMIT, new FileFetch.Fetched());
        }
        assertThat(ours.list()).hasSize(60);
        assertNothingLeft(120);
    }

    @Test
    void shouldSayWhichFileIsNotThere() {
        String id = "0".repeat(64);
        fetch(PATIENCE).tell(new FileFetch.Get(Set.of(id), server(), replies.getRef()));

        Failure failure = failure();
        assertThat(failure.kind()).isEqualTo(Failure.Kind.NOT_FOUND);
        assertThat(failure.describe()).contains("fetch " + id).contains("akka://fetch");
    }

    @Test
    void shouldAskAnotherNodeWhenOneFails() throws Exception {
        String id = put(random(1000, 1));
        ActorRef<FileFetch.Command> fetch = fetch(PATIENCE);
        TestProbe<FileServer.Command> empty = kit.createTestProbe(FileServer.Command.class);
        TestProbe<FileFetch.Reply> others = kit.createTestProbe(FileFetch.Reply.class);
        fetch.tell(new FileFetch.Get(Set.of(id), empty.getRef(), replies.getRef()));
        fetch.tell(new FileFetch.Get(Set.of(id), server(), others.getRef()));
        FileServer.Fetch asked = empty.expectMessageClass(FileServer.Fetch.class, LIMIT);
        asked.replyTo().tell(new FileServer.Absent(asked.file()));

        assertThat(failure().kind()).isEqualTo(Failure.Kind.NOT_FOUND);
        others.expectMessage(LIMIT, new FileFetch.Fetched());
    }

    @Test
    void shouldKeepNothingOfWhatIsDamagedOrCutOff() throws Exception {
        Bytes bytes = random(200_000, 1);
        Content.Stored file = ours.put(bytes);
        ours.remove(file.id());
        ByteString sent = ByteString.fromArray(bytes.toArray());
        ByteString damaged = sent.drop(1).concat(ByteString.fromInts(sent.head() ^ 1));
        record Lie(long size, Source<ByteString, NotUsed> stream, String why) {}
        List<Lie> lies =
                List.of(
                        new Lie(200_000, Source.single(damaged), "another SHA-256"),
                        new Lie(200_000, Source.single(sent.drop(1)), "199999 of the 200000 bytes"),
                        new Lie(1000, Source.single(sent), "more of it than the 1000 bytes"),
                        new Lie(200_000, Source.repeat(sent), "more of it than the 200000 bytes"),
                        new Lie(
                                200_000,
                                Source.single(sent.take(100_000))
                                        .concat(Source.failed(new IOException("the disk broke"))),
                                "the disk broke"),
                        new Lie(
                                MAX_FILE.bytes() + 1,
                                Source.repeat(sent),
                                "cloister.store.max-file-size"));
        ActorRef<FileFetch.Command> fetch = fetch(PATIENCE);
        for (Lie lie : lies) {
            fetch.tell(
                    new FileFetch.Get(
                            Set.of(file.id()), liar(lie.size(), lie.stream()), replies.getRef()));
            Failure failure = failure();
            assertThat(failure.describe()).contains(file.id()).contains(lie.why());
            assertThat(failure.kind())
                    .isEqualTo(
                            lie.size() > MAX_FILE.bytes()
                                    ? Failure.Kind.TOO_LARGE
                                    : Failure.Kind.UNAVAILABLE);
            assertThat(ours.list()).isEmpty();
        }
        assertNothingLeft(0);

        put(bytes);
        fetch.tell(new FileFetch.Get(Set.of(file.id()), server(), replies.getRef()));
        replies.expectMessage(LIMIT, new FileFetch.Fetched());
    }

    @Test
    void shouldNotWaitForWhoSendsNothing() {
        ActorRef<FileFetch.Command> fetch = fetch(Duration.ofMillis(200));
        String id = "0".repeat(64);
        TestProbe<FileServer.Command> silent = kit.createTestProbe(FileServer.Command.class);
        fetch.tell(new FileFetch.Get(Set.of(id), silent.getRef(), replies.getRef()));
        Failure unanswered = failure();
        assertThat(unanswered.kind()).isEqualTo(Failure.Kind.UNAVAILABLE);
        assertThat(unanswered.describe()).contains("no answer");

        Source<ByteString, NotUsed> stuck =
                Source.single(ByteString.fromString("x")).concat(Source.<ByteString>maybe());
        fetch.tell(new FileFetch.Get(Set.of(id), liar(1000, stuck), replies.getRef()));
        assertThat(failure().kind()).isEqualTo(Failure.Kind.UNAVAILABLE);
        assertNothingLeft(0);
    }

    @Test
    void shouldSayThatThereIsNoRoom() throws Exception {
        String id = put(random(10_000_000, 1));
        ours.hold(
                List.of(
                        ours.put(random(16_000_000, 2)).id(),
                        ours.put(random(16_000_000, 3)).id()));
        fetch(PATIENCE).tell(new FileFetch.Get(Set.of(id), server(), replies.getRef()));

        Failure failure = failure();
        assertThat(failure.kind()).isEqualTo(Failure.Kind.BUSY);
        assertThat(failure.describe()).contains("2 files are held");
    }

    @Test
    void shouldEndTransfersWithItself() throws Exception {
        String id = put(random(1000, 1));
        Source<ByteString, NotUsed> endless =
                Source.repeat(ByteString.fromString("x")).throttle(10, Duration.ofMillis(100));
        ActorRef<FileFetch.Command> fetch = fetch(PATIENCE);
        fetch.tell(
                new FileFetch.Get(Set.of(id), liar(MAX_FILE.bytes(), endless), replies.getRef()));
        Awaitility.await().atMost(LIMIT).until(() -> OwnProcess.descriptors() == before + 2);
        kit.shutdownTestKit();
        assertNothingLeft(1);
    }
}
