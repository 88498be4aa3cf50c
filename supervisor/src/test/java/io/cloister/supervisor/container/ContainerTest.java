// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.container;

import static org.assertj.core.api.Assertions.assertThat;

import akka.actor.testkit.typed.javadsl.ActorTestKit;
import akka.actor.testkit.typed.javadsl.TestProbe;
import akka.actor.typed.ActorRef;
import akka.actor.typed.DispatcherSelector;
import com.typesafe.config.ConfigFactory;
import io.cloister.nativeio.cgroup.Cgroups;
import io.cloister.nativeio.landlock.Landlock;
import io.cloister.protocol.container.ContainerConfig;
import io.cloister.protocol.container.SymbolicLink;
import io.cloister.protocol.message.Conf;
import io.cloister.protocol.message.Configured;
import io.cloister.protocol.message.ContainerState;
import io.cloister.protocol.message.Delete;
import io.cloister.protocol.message.Deleted;
import io.cloister.protocol.message.Execve;
import io.cloister.protocol.message.ExecveResult;
import io.cloister.protocol.message.Failure;
import io.cloister.protocol.message.Open;
import io.cloister.protocol.message.OpenFile;
import io.cloister.protocol.message.Pong;
import io.cloister.protocol.message.Symlink;
import io.cloister.supervisor.container.Container.Command;
import io.cloister.supervisor.container.FakeInit.Message;
import io.cloister.supervisor.handler.ExecveDescriptors;
import io.cloister.supervisor.pool.ContainerSupervisor;
import io.cloister.supervisor.seccomp.Profiles;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The container's actors with an init that says whatever it likes. Whatever that is, each request
 * is answered once, and a container that cannot be trusted ends.
 */
@Timeout(60)
class ContainerTest {
    private static final Duration LIMIT = Duration.ofSeconds(20);
    private static final Duration DEADLINE = Duration.ofSeconds(10);

    private static ActorTestKit kit;

    private final AtomicInteger released = new AtomicInteger();
    private final TestProbe<Object> probe = kit.createTestProbe();
    private final TestProbe<Container.Started> started =
            kit.createTestProbe(Container.Started.class);
    private volatile Function<Message, List<byte[]>> answers = ContainerTest::succeed;
    private FakeInit fake;
    private ActorRef<Command> container;

    @BeforeAll
    static void startKit() {
        kit =
                ActorTestKit.create(
                        "container-test",
                        ConfigFactory.parseString(
                                        "akka.actor.provider = local\nakka.log-dead-letters = off")
                                .withFallback(ConfigFactory.load()));
    }

    @AfterAll
    static void stopKit() {
        kit.shutdownTestKit();
    }

    @AfterEach
    void stop() throws Exception {
        kit.stop(container, LIMIT);
        assertThat(released).as("the ids were given back once").hasValue(1);
        assertThat(fake.isKilled(LIMIT)).isTrue();
        fake.close();
    }

    private static List<byte[]> succeed(Message message) {
        return List.of(message.success());
    }

    private static List<byte[]> say(byte[]... packets) {
        return List.of(packets);
    }

    private void start() throws IOException {
        start(DEADLINE);
    }

    private void start(Duration deadline) throws IOException {
        Cgroups cgroups = Cgroups.none("of no interest here");
        fake = new FakeInit(message -> answers.apply(message));
        Container.Settings settings =
                new Container.Settings(
                        deadline,
                        deadline,
                        deadline,
                        16,
                        new Profiles(Map.of()),
                        Landlock.none(),
                        cgroups,
                        new ConfPlans());
        container =
                kit.spawn(
                        Container.create(fake.init(), settings, released::incrementAndGet),
                        DispatcherSelector.fromConfig(ContainerSupervisor.DISPATCHER));
        container.tell(new Container.Grouped(cgroups.create("container")));
    }

    private void startConfigured() throws IOException {
        startConfigured(DEADLINE);
    }

    private void startConfigured(Duration deadline) throws IOException {
        start(deadline);
        container.tell(What.CONF.request(this));
        assertThat(answer()).isInstanceOf(Configured.class);
    }

    private Object answer() {
        return probe.receiveMessage(LIMIT);
    }

    private void assertNoOtherAnswer() {
        probe.expectNoMessage(Duration.ofMillis(1));
    }

    private void assertUsable() {
        answers = ContainerTest::succeed;
        container.tell(What.PING.request(this));
        assertThat(answer()).isInstanceOf(Pong.class);
        assertNoOtherAnswer();
    }

    /** Asserts that the container ends, having said so once. */
    private void assertLost(Failure.Kind kind) {
        assertFailure(answer(), kind);
        probe.expectTerminated(container, LIMIT);
        assertNoOtherAnswer();
    }

    private static void assertFailure(Object reply, Failure.Kind kind) {
        Object inner = reply instanceof OpenFailed(Failure failure) ? failure : reply;
        assertThat(inner)
                .isInstanceOfSatisfying(
                        Failure.class,
                        failure ->
                                assertThat(failure.kind()).as(failure.describe()).isEqualTo(kind));
    }

    /** The requests that init takes part in. */
    enum What {
        PING,
        CONF,
        OPEN,
        SYMLINK,
        DELETE,
        RESET,
        EXECVE;

        @SuppressWarnings({"unchecked", "rawtypes"}) // one probe for all kinds of answers
        Command request(ContainerTest test) {
            ActorRef to = test.probe.getRef();
            return switch (this) {
                case PING -> new Container.Ping(to);
                case CONF ->
                        new Container.Configure(new Conf(ContainerConfig.builder().build()), to);
                case OPEN -> new Container.OpenFiles(Open.of(OpenFile.read("/f")), to);
                case SYMLINK ->
                        new Container.MakeSymlinks(Symlink.of(new SymbolicLink("/l", "t")), to);
                case DELETE -> new Container.DeletePath(new Delete("/d", true), to);
                case RESET -> new Container.Reset(to);
                case EXECVE ->
                        new Container.Execute(
                                Execve.of("/p").build(), ExecveDescriptors.none(), to);
            };
        }
    }

    private void begin(What what) throws IOException {
        if (what == What.CONF) {
            start();
        } else {
            startConfigured();
        }
    }

    // ---- an init that behaves ---------------------------------------------------------------

    @Test
    void shouldPassFromUnconfiguredToIdle() throws IOException {
        start();
        container.tell(What.PING.request(this));
        assertThat(answer()).isEqualTo(Pong.of(ContainerState.UNCONFIGURED));
        container.tell(What.RESET.request(this));
        assertFailure(answer(), Failure.Kind.NOT_CONFIGURED);
        container.tell(What.CONF.request(this));
        assertThat(answer()).isInstanceOf(Configured.class);
        container.tell(What.PING.request(this));
        assertThat(answer()).isEqualTo(Pong.of(ContainerState.IDLE));
        container.tell(What.EXECVE.request(this));
        assertThat(answer()).isInstanceOf(ExecveResult.class);
        assertNoOtherAnswer();
    }

    @Test
    void shouldAnswerInTheOrderOfTheRequests() throws IOException {
        start();
        List<What> order = List.of(What.CONF, What.PING, What.CONF, What.EXECVE);
        order.forEach(what -> container.tell(what.request(this)));
        assertThat(answer()).isInstanceOf(Configured.class);
        assertThat(answer()).isInstanceOf(Pong.class);
        assertFailure(answer(), Failure.Kind.ALREADY_CONFIGURED);
        assertThat(answer()).isInstanceOf(ExecveResult.class);
        assertNoOtherAnswer();
    }

    @Test
    void shouldAnswerPingsAtOnceDuringARun() throws IOException {
        startConfigured();
        answers = message -> List.of();
        container.tell(What.EXECVE.request(this));
        container.tell(What.PING.request(this));
        assertThat(((Pong) answer()).state()).isEqualTo(ContainerState.EXECUTING);
        container.tell(new Container.Destroy());
        assertLost(Failure.Kind.CONTAINER_LOST);
    }

    @Test
    void shouldNotRunAProgramThatIsKilledWhileItWaits() throws IOException {
        startConfigured();
        List<Message> pending = new CopyOnWriteArrayList<>();
        answers =
                message -> {
                    pending.add(message);
                    return List.of();
                };
        container.tell(What.DELETE.request(this));
        container.tell(What.EXECVE.request(this));
        container.tell(What.PING.request(this));
        container.tell(new Container.Kill());
        assertFailure(answer(), Failure.Kind.REFUSED);
        assertNoOtherAnswer();
        answers = ContainerTest::succeed;
        kit.createTestProbe()
                .awaitAssert(
                        LIMIT,
                        () -> {
                            assertThat(pending).hasSize(1);
                            return null;
                        });
        fake.send(pending.getFirst().success());
        assertThat(answer()).isInstanceOf(Deleted.class);
        assertThat(answer()).isInstanceOf(Pong.class);
        assertUsable();
    }

    @Test
    void shouldEndARunWhenAskedToAndNotMindLateRequests() throws IOException {
        startConfigured();
        List<Message> pending = new ArrayList<>();
        answers =
                message -> {
                    pending.add(message);
                    if (pending.size() == 1) {
                        return List.of(); // the run; the next is the wish to end it
                    }
                    return say(pending.getFirst().success(), message.success());
                };
        container.tell(What.EXECVE.request(this));
        container.tell(new Container.Kill());
        assertThat(answer()).isInstanceOf(ExecveResult.class);
        container.tell(new Container.Kill());
        container.tell(new Container.Proceed());
        assertUsable();
    }

    // ---- replies out of turn ----------------------------------------------------------------

    @Test
    void shouldIgnoreRepliesThatNobodyWaitsFor() throws IOException {
        startConfigured();
        for (int serial : new int[] {0, 1, -1, 77}) {
            fake.send(FakeInit.reply(serial, 0, 0, 0, new long[1], new byte[0]));
        }
        assertUsable();
    }

    @ParameterizedTest
    @EnumSource(What.class)
    void shouldAnswerOnceWhenInitRepeatsItself(What what) throws IOException {
        begin(what);
        answers =
                message -> {
                    byte[] other =
                            FakeInit.reply(message.serial() + 1, 0, 0, 0, new long[0], new byte[0]);
                    return say(other, message.success(), message.success(), other);
                };
        container.tell(what.request(this));
        Object reply = answer();
        assertThat(reply).isNotNull();
        if (what != What.OPEN) { // it wants a descriptor, which this init has not
            container.tell(new Container.Destroy());
        }
        probe.expectTerminated(container, LIMIT);
        assertNoOtherAnswer();
    }

    @Test
    void shouldEndWhenAStartIsAnnouncedThatNobodyAskedFor() throws IOException {
        startConfigured();
        answers =
                message -> say(FakeInit.reply(message.serial(), 1, 0, 0, new long[0], new byte[0]));
        container.tell(What.EXECVE.request(this));
        assertLost(Failure.Kind.CONTAINER_LOST);
    }

    @Test
    void shouldEndWhenAnAnnouncementBringsNoProcess() throws IOException {
        startConfigured();
        answers =
                message -> say(FakeInit.reply(message.serial(), 1, 0, 0, new long[0], new byte[0]));
        container.tell(
                new Container.Execute(
                        Execve.of("/p").announceStart(true).build(),
                        ExecveDescriptors.none(),
                        Optional.of(started.getRef()),
                        probe.getRef().narrow()));
        assertLost(Failure.Kind.CONTAINER_LOST);
        started.expectNoMessage(Duration.ofMillis(1));
    }

    // ---- replies that cannot be -------------------------------------------------------------

    private static Map<String, Function<Message, byte[]>> badReplies() {
        Map<String, Function<Message, byte[]>> bad = new TreeMap<>();
        bad.put("one byte", message -> new byte[1]);
        bad.put("cut header", message -> Arrays.copyOf(message.success(), 15));
        bad.put(
                "cut results",
                message -> FakeInit.reply(message.serial(), 0, 0, 0, new long[0], new byte[0]));
        bad.put(
                "no bytes",
                message ->
                        FakeInit.reply(message.serial(), 0, 0, 0, message.results(), new byte[0]));
        bad.put("unknown kind", message -> with(message.success(), 4, 9));
        bad.put("more results than sent", message -> with(message.success(), 6, 0xffff));
        bad.put("failed step beyond the end", message -> with(message.success(), 8, 5000));
        bad.put("failed step below -1", message -> with(message.success(), 8, 0xfffe, 0xffff));
        bad.put("errno of 5000", message -> with(message.success(), 12, 5000));
        bad.put("negative errno", message -> with(message.success(), 12, 0xffff, 0xffff));
        return bad;
    }

    /** Overwrites 16-bit words. */
    private static byte[] with(byte[] frame, int at, int... words) {
        byte[] changed = frame.clone();
        for (int i = 0; i < words.length; i++) {
            changed[at + 2 * i] = (byte) words[i];
            changed[at + 2 * i + 1] = (byte) (words[i] >> 8);
        }
        return changed;
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "one byte",
                "cut header",
                "cut results",
                "no bytes",
                "unknown kind",
                "more results than sent",
                "failed step beyond the end",
                "failed step below -1",
                "errno of 5000",
                "negative errno"
            })
    void shouldEndARunWithAReplyThatCannotBe(String bad) throws IOException {
        startConfigured();
        answers = message -> say(badReplies().get(bad).apply(message));
        container.tell(What.EXECVE.request(this));
        Object reply = answer();
        assertThat(reply).isInstanceOf(Failure.class);
        probe.expectTerminated(container, LIMIT);
        assertNoOtherAnswer();
    }

    @Test
    void shouldEndWhenItCannotBeShownThatNoProcessIsLeft() throws IOException {
        startConfigured();
        answers =
                message ->
                        say(
                                FakeInit.reply(
                                        message.serial(),
                                        0,
                                        0,
                                        0,
                                        new long[message.count()],
                                        new byte[message.bytes()]));
        container.tell(What.EXECVE.request(this));
        assertLost(Failure.Kind.INTERNAL);
    }

    @Test
    void shouldEndWhenTimesAndSizesAreInsane() throws IOException {
        startConfigured();
        answers =
                message -> {
                    byte[] bytes = new byte[message.bytes()];
                    Arrays.fill(bytes, (byte) 0xff);
                    return say(FakeInit.reply(message.serial(), 0, 0, 0, message.results(), bytes));
                };
        container.tell(What.EXECVE.request(this));
        assertLost(Failure.Kind.CONTAINER_LOST);
    }

    @Test
    void shouldEndWhenFilesAreOpenedWithoutDescriptors() throws IOException {
        startConfigured();
        container.tell(What.OPEN.request(this));
        assertLost(Failure.Kind.CONTAINER_LOST);
    }

    /** Good replies with some bytes changed: an answer always, and never two. */
    @ParameterizedTest
    @EnumSource(What.class)
    void shouldAnswerOnceWhateverTheReply(What what) throws Exception {
        Random random = new Random(what.name().hashCode());
        begin(what);
        for (int i = 0; i < 40; i++) {
            answers =
                    message -> {
                        byte[] reply = message.success();
                        for (int k = random.nextInt(4); k >= 0; k--) {
                            // not the serial: a reply for nobody is a case of its own
                            int at = 4 + random.nextInt(reply.length - 4);
                            reply[at] = (byte) random.nextInt(256);
                        }
                        return say(Arrays.copyOf(reply, reply.length - random.nextInt(2)));
                    };
            container.tell(what.request(this));
            assertThat(answer()).isNotNull();
            answers = ContainerTest::succeed;
            container.tell(What.PING.request(this));
            boolean usable = answerOrEnd();
            assertNoOtherAnswer();
            if (!usable) {
                stop();
                released.set(0);
                begin(what);
            }
        }
    }

    /** Whether the container answers a ping as one that goes on. */
    private boolean answerOrEnd() {
        TestProbe<Object> end = kit.createTestProbe();
        ActorRef<Command> current = container;
        try {
            Object reply = probe.receiveMessage(Duration.ofSeconds(1));
            if (reply instanceof Pong(ContainerState state, var age)
                    && state != ContainerState.CLOSING) {
                return true;
            }
        } catch (AssertionError e) {
            // it had ended before the ping reached it
        }
        end.expectTerminated(current, LIMIT);
        return false;
    }

    // ---- silence ----------------------------------------------------------------------------

    @ParameterizedTest
    @EnumSource(value = What.class, mode = EnumSource.Mode.EXCLUDE, names = "CONF")
    void shouldEndWhenInitDoesNotAnswer(What what) throws IOException {
        startConfigured(Duration.ofMillis(200));
        answers = message -> List.of();
        Command request = what.request(this);
        if (request
                instanceof Container.Execute(var run, var files, var to, var ids, var replyTo)) {
            Execve brief = run.toBuilder().wallTime(Duration.ofMillis(10)).build();
            request = new Container.Execute(brief, files, to, ids, replyTo);
        }
        container.tell(request);
        container.tell(What.RESET.request(this));
        Object first = answer();
        assertThat(first).isNotInstanceOf(Pong.class);
        assertFailure(
                first, what == What.EXECVE ? Failure.Kind.CONTAINER_LOST : Failure.Kind.DEADLINE);
        assertLost(Failure.Kind.CONTAINER_LOST);
    }

    @Test
    void shouldEndWhenConfIsNotAnswered() throws IOException {
        start(Duration.ofMillis(200));
        answers = message -> List.of();
        container.tell(What.CONF.request(this));
        assertLost(Failure.Kind.DEADLINE);
    }

    // ---- the end of the socket --------------------------------------------------------------

    @Test
    void shouldEndWithItsInitWhileUnconfigured() throws IOException {
        start();
        fake.hangUp();
        probe.expectTerminated(container, LIMIT);
    }

    @Test
    void shouldEndWithItsInitWhileIdle() throws IOException {
        startConfigured();
        fake.hangUp();
        probe.expectTerminated(container, LIMIT);
    }

    @ParameterizedTest
    @EnumSource(What.class)
    void shouldAnswerEverythingWhenInitEnds(What what) throws IOException {
        begin(what);
        answers =
                message -> {
                    fake.hangUp();
                    return List.of();
                };
        container.tell(what.request(this));
        Object reply = answer();
        assertFailure(reply, Failure.Kind.CONTAINER_LOST);
        probe.expectTerminated(container, LIMIT);
        assertNoOtherAnswer();
    }

    @Test
    void shouldAnswerWhatIsQueuedWhenInitEnds() throws IOException {
        startConfigured();
        answers = message -> List.of();
        for (What what : What.values()) {
            if (what != What.PING) {
                container.tell(what.request(this));
            }
        }
        container.tell(
                new Container.Execute(
                        Execve.of("/p").build(),
                        ExecveDescriptors.none(),
                        probe.getRef().narrow()));
        fake.hangUp();
        for (int i = 0; i < What.values().length; i++) {
            Object reply = answer();
            if (!(reply instanceof Failure failure
                    && failure.kind() == Failure.Kind.ALREADY_CONFIGURED)) {
                assertFailure(reply, Failure.Kind.CONTAINER_LOST);
            }
        }
        probe.expectTerminated(container, LIMIT);
        assertNoOtherAnswer();
    }

    @Test
    void shouldReleaseItsIdsWhenItsInitIsGone() throws Exception {
        startConfigured();
        container.tell(new Container.Destroy());
        probe.expectTerminated(container, LIMIT);
        assertThat(released).hasValue(1);
        assertThat(fake.isKilled(LIMIT)).isTrue();
    }
}
