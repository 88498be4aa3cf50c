// SPDX-License-Identifier: Apache-2.0
package io.cloister.it;

import akka.actor.AddressFromURIString;
import akka.actor.typed.ActorSystem;
import akka.actor.typed.javadsl.Behaviors;
import akka.cluster.MemberStatus;
import akka.cluster.typed.Cluster;
import akka.cluster.typed.Join;
import akka.cluster.typed.Leave;
import io.cloister.supervisor.cluster.Cloister;
import io.cloister.supervisor.cluster.Terms;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * A node of a cluster as a process of its own. Its arguments are settings; it does what it reads,
 * and ends at the end of its input.
 */
final class NodeProcess {
    private NodeProcess() {}

    public static void main(String[] settings) throws Exception {
        ActorSystem<Void> system =
                ActorSystem.create(
                        Behaviors.empty(),
                        ClusterConfig.SYSTEM,
                        ClusterConfig.of(List.of(settings)));
        Cluster cluster = Cluster.get(system);
        Cloister cloister = Cloister.get(system);
        system.getWhenTerminated().thenRun(() -> ChildJvm.say("terminated"));
        ChildJvm.say(cluster.selfMember().address().toString());
        BufferedReader input =
                new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = input.readLine(); line != null; line = input.readLine()) {
            String[] words = line.split(" ");
            switch (words[0]) {
                case "join" -> {
                    cluster.manager().tell(Join.create(AddressFromURIString.parse(words[1])));
                    while (!cluster.selfMember().status().equals(MemberStatus.up())) {
                        Thread.sleep(50);
                    }
                    ChildJvm.say("up");
                }
                case "leave" ->
                        cluster.manager().tell(Leave.create(cluster.selfMember().address()));
                case "submit" -> { // TENANT PREFIX COUNT SECONDS [DEADLINE]
                    Terms terms =
                            words.length == 5
                                    ? Echo.TERMS
                                    : Echo.TERMS.withDeadline(
                                            Duration.ofSeconds(Long.parseLong(words[5])));
                    int count = Integer.parseInt(words[3]);
                    for (int i = 0; i < count; i++) {
                        String id = words[2] + i;
                        cloister.submit(Echo.run(id, words[4]), words[1], terms)
                                .thenAccept(reply -> ChildJvm.say(Echo.describe(id, reply)));
                    }
                    ChildJvm.say("submitted");
                }
                default -> throw new IllegalArgumentException(line);
            }
        }
        system.terminate();
        system.getWhenTerminated().toCompletableFuture().get(30, TimeUnit.SECONDS);
        System.exit(0);
    }
}
