// SPDX-License-Identifier: Apache-2.0
package io.cloister.it;

import com.typesafe.config.Config;
import com.typesafe.config.ConfigFactory;
import io.cloister.nativeio.init.IdMap;
import java.nio.file.Path;
import java.util.List;

/** The settings of a test's nodes: as cloister-cluster.conf has them, but sooner. */
final class ClusterConfig {
    static final String SYSTEM = "cloister";

    /** How many ranges of ids the nodes of this JVM's tests have. */
    private static final int RANGES = 64;

    /** Free of those of other tests, and of those in another JVM. */
    private static final int FIRST_ID =
            0x6200_0000 + Integer.getInteger("cloister.fork", 0) * RANGES * IdMap.RANGE;

    private static final String SOON =
            """
            akka.loglevel = INFO
            akka.log-dead-letters = off
            akka.log-dead-letters-during-shutdown = off
            akka.coordinated-shutdown.exit-jvm = off
            akka.cluster {
              periodic-tasks-initial-delay = 100ms
              gossip-interval = 200ms
              leader-actions-interval = 200ms
              unreachable-nodes-reaper-interval = 500ms
              failure-detector.acceptable-heartbeat-pause = 4s
              split-brain-resolver.stable-after = 3s
              shutdown-after-unsuccessful-join-seed-nodes = off
            }
            akka.remote.artery.canonical { hostname = "127.0.0.1", port = 0 }
            cloister.cluster.worker { check-backoff = 1s, drain-timeout = 5s }
            """;

    private static final String ROLES = "akka.cluster.roles = [ cloister-worker, cloister-queue ]";

    private ClusterConfig() {}

    /** Of a node that is a client only. */
    static Config client(String... settings) {
        return of(List.of(settings));
    }

    static Config of(List<String> settings) {
        return ConfigFactory.parseString(String.join("\n", settings))
                .withFallback(ConfigFactory.parseString(SOON))
                .withFallback(ConfigFactory.parseResources("cloister-cluster.conf"))
                .withFallback(ConfigFactory.defaultReference())
                .resolve();
    }

    /** What makes a node a worker that may have the queue. */
    static List<String> worker(Path directory, int slots) {
        return List.of(ROLES, containers(slots), ids(directory));
    }

    /** The same for a worker that has its containers of a service. */
    static List<String> workerOf(ServiceProcess service, int slots) {
        return List.of(
                ROLES,
                containers(slots),
                "cloister { transport = socket, socket.path = \"%s\" }"
                        .formatted(service.socket()));
    }

    /** Of a service whose containers are those of one worker. */
    static String[] service(Path directory, int slots, int uid) {
        return new String[] {
            "cloister.service.peers.users = [ %d ]".formatted(uid),
            containers(slots + 1), // one is made while another ends
            ids(directory)
        };
    }

    private static String containers(int count) {
        return "cloister.containers { max = %d, warm = %d }".formatted(count, count);
    }

    private static String ids(Path directory) {
        return "cloister.uid-ranges { start = %d, count = %d, lock-file = \"%s\" }"
                .formatted(FIRST_ID, RANGES, directory.resolve("lock"));
    }
}
