// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.socket;

import static org.assertj.core.api.Assertions.assertThat;

import akka.actor.testkit.typed.javadsl.ActorTestKit;
import akka.actor.testkit.typed.javadsl.TestProbe;
import akka.actor.typed.ActorRef;
import akka.actor.typed.DispatcherSelector;
import com.typesafe.config.ConfigFactory;
import io.cloister.nativeio.libc.LibC;
import io.cloister.nativeio.socket.PacketSocket;
import io.cloister.protocol.message.Failure;
import io.cloister.protocol.service.ClientFrame;
import io.cloister.protocol.service.Frame;
import io.cloister.protocol.service.FrameKryo;
import io.cloister.protocol.service.ServiceFrame;
import io.cloister.supervisor.pool.ContainerSupervisor;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The receiver and the sender of a connection whose other end is closed. */
@Timeout(60)
@SuppressWarnings("NullAway.Init") // set before the tests
class FrameActorsTest {
    private static final Duration LIMIT = Duration.ofSeconds(20);
    private static final DispatcherSelector HERE =
            DispatcherSelector.fromConfig(ContainerSupervisor.DISPATCHER);
    private static final FrameKryo KRYO = new FrameKryo();
    private static final Frame REFUSED =
            new ServiceFrame.Refused(Failure.of(Failure.Kind.BUSY, "no more today"));

    private static ActorTestKit kit;

    private PacketSocket.Pair pair;
    private TestProbe<FrameEvent> router;

    @BeforeAll
    static void startKit() {
        kit =
                ActorTestKit.create(
                        "frame-actors-test",
                        ConfigFactory.parseString(
                                        "akka.actor.provider = local\nakka.log-dead-letters = off")
                                .withFallback(ConfigFactory.load()));
    }

    @AfterAll
    static void stopKit() {
        kit.shutdownTestKit();
    }

    @BeforeEach
    void connect() throws Exception {
        pair = PacketSocket.pair("the test");
        router = kit.createTestProbe(FrameEvent.class);
    }

    @AfterEach
    void close() throws Exception {
        pair.theirs().close();
        pair.ours().close();
    }

    /** The other end says something, and is closed. */
    private void hangUp() throws Exception {
        byte[] last = KRYO.write(REFUSED);
        assertThat(LibC.write(pair.theirs().number(), last, last.length)).isEqualTo(last.length);
        pair.theirs().close();
    }

    private ActorRef<FrameSender.Command> sender() {
        return kit.spawn(FrameSender.create(pair.ours(), router.getRef()), HERE);
    }

    private void assertLastWordsAreRead() {
        ActorRef<FrameReceiver.Command> receiver =
                kit.spawn(
                        FrameReceiver.create(pair.ours(), KRYO::readService, router.getRef()),
                        HERE);
        receiver.tell(new FrameReceiver.Credit(2));
        assertThat(router.receiveMessage(LIMIT))
                .isEqualTo(new FrameEvent.Arrived(REFUSED, List.of()));
        assertThat(router.receiveMessage(LIMIT)).isInstanceOf(FrameEvent.Broken.class);
        kit.stop(receiver, LIMIT);
    }

    @Test
    void shouldSayOnceThatNothingGoesAnyMoreAndStillReadWhatHasCome() throws Exception {
        hangUp();
        ActorRef<FrameSender.Command> sender = sender();
        AtomicInteger done = new AtomicInteger();
        for (int i = 1; i <= 3; i++) {
            sender.tell(
                    new FrameSender.Send(
                            KRYO::write,
                            new ClientFrame.Kill(i),
                            List.of(),
                            done::incrementAndGet));
        }
        assertThat(router.receiveMessage(LIMIT)).isInstanceOf(FrameEvent.WriteClosed.class);
        kit.stop(sender, LIMIT);
        assertThat(done).as("frames that are done with").hasValue(3);
        assertLastWordsAreRead();
    }

    @Test
    void shouldReadWhatHasComeWhereSomethingWasLeftUnread() throws Exception {
        ActorRef<FrameSender.Command> sender = sender();
        sender.tell(new FrameSender.Send(KRYO::write, new ClientFrame.Kill(1)));
        sender.tell(new FrameSender.Finish());
        router.expectTerminated(sender, LIMIT);
        hangUp();
        assertLastWordsAreRead();
    }
}
