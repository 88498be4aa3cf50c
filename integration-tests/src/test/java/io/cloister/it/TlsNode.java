// SPDX-License-Identifier: Apache-2.0
package io.cloister.it;

import akka.actor.AddressFromURIString;
import akka.actor.typed.ActorRef;
import akka.actor.typed.ActorRefResolver;
import akka.actor.typed.ActorSystem;
import akka.actor.typed.Behavior;
import akka.actor.typed.javadsl.Behaviors;
import akka.cluster.MemberStatus;
import akka.cluster.typed.Cluster;
import akka.cluster.typed.Join;
import com.typesafe.config.ConfigFactory;
import io.cloister.supervisor.cluster.RunKey;
import io.cloister.supervisor.cluster.RunQueue;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;

/**
 * A node of a cluster without containers, which sends messages to others and keeps what it gets.
 * Its arguments are settings.
 */
final class TlsNode {
    private static final String INBOX = "inbox";

    private final Queue<String> received = new ConcurrentLinkedQueue<>();
    private final ActorSystem<Void> system;
    private final Cluster cluster;

    private TlsNode(String settings) {
        system =
                ActorSystem.create(
                        Behaviors.setup(context -> {
                            context.spawn(inbox(received), INBOX);
                            return Behaviors.empty();
                        }),
                        "tls",
                        ConfigFactory.load(ConfigFactory.parseString(settings)));
        cluster = Cluster.get(system);
    }

    private static Behavior<RunQueue.Command> inbox(Queue<String> received) {
        return Behaviors.receiveMessage(message -> {
            if (message instanceof RunQueue.Cancel cancel) {
                received.add(cancel.key().id());
            }
            return Behaviors.same();
        });
    }

    public static void main(String[] settings) throws IOException {
        TlsNode self = new TlsNode(String.join("\n", settings));
        ChildJvm.say("started");
        BufferedReader lines =
                new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
            ChildJvm.say(self.obey(line));
        }
        Runtime.getRuntime().halt(1); // the test is gone
    }

    private String obey(String line) {
        String[] words = line.split(" ");
        return switch (words[0]) {
            case "address" -> cluster.selfMember().address().toString();
            case "join" -> join(words[1]);
            case "members" -> members(Integer.parseInt(words[1]));
            case "send" -> send(words[1], words[2]);
            case "await" -> await(words[1]);
            case "received" -> received.toString();
            default -> "unknown: " + line;
        };
    }

    private String join(String address) {
        cluster.manager().tell(Join.create(AddressFromURIString.parse(address)));
        return "joining";
    }

    private String members(int count) {
        Waiting.until(() -> {
            long up = 0;
            for (var member : cluster.state().getMembers()) {
                up += member.status().equals(MemberStatus.up()) ? 1 : 0;
            }
            if (up != count || !cluster.state().getUnreachable().isEmpty()) {
                throw new AssertionError(cluster.state().toString());
            }
        });
        return "members " + count;
    }

    private String send(String address, String text) {
        ActorRef<RunQueue.Command> inbox =
                ActorRefResolver.get(system).resolveActorRef(address + "/user/" + INBOX);
        inbox.tell(new RunQueue.Cancel(new RunKey("test", text)));
        return "sent";
    }

    private String await(String text) {
        Waiting.until(() -> {
            if (!received.contains(text)) {
                throw new AssertionError("received: " + received);
            }
        });
        return "received " + text;
    }
}
