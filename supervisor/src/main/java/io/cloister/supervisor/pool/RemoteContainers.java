// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.pool;

import akka.actor.typed.Behavior;
import akka.actor.typed.javadsl.Behaviors;
import io.cloister.nativeio.cgroup.ContainerCgroup;
import io.cloister.protocol.container.ContainerConfig;
import io.cloister.protocol.message.Failure;
import io.cloister.supervisor.CloisterSettings;
import io.cloister.supervisor.container.Container;
import io.cloister.supervisor.socket.Connected;
import io.cloister.supervisor.socket.RemoteContainer;
import io.cloister.supervisor.socket.SocketSettings;
import java.io.IOException;
import java.util.Optional;

/** Containers of the local service's, each with a connection of its own. */
final class RemoteContainers implements ContainerSource {
    private final SocketSettings socket;
    private final ContainerConfig standard;
    private final RemoteContainer.Settings settings;

    RemoteContainers(SocketSettings socket, CloisterSettings settings) {
        this.socket = socket;
        standard = settings.standard();
        this.settings =
                new RemoteContainer.Settings(
                        socket.timeout(), settings.grace(), settings.containerQueue());
    }

    private record Leased(Connected connected, RemoteContainer.Settings settings)
            implements Newborn {
        @Override
        public int init() {
            return connected.welcome().init();
        }

        @Override
        public Behavior<Container.Command> router() {
            return RemoteContainer.create(connected, settings);
        }

        @Override
        public Optional<ContainerCgroup> cgroup() {
            return Optional.empty();
        }

        @Override
        public String workDirectory(ContainerConfig config) {
            return connected.welcome().workDirectory();
        }
    }

    @Override
    public Behavior<Order> maker() {
        return Behaviors.receiveMessage(order -> {
            switch (order) {
                case Make make -> make(make);
                case Prepare prepare -> {} // the service does
            }
            return Behaviors.same();
        });
    }

    private void make(Make make) {
        try {
            Connected connected = Connected.open(socket);
            make.replyTo().tell(new Born(make.birth(), new Leased(connected, settings)));
            make.replyTo().tell(new Admitted(make.birth(), Optional.empty()));
        } catch (IOException | RuntimeException e) {
            make.replyTo()
                    .tell(
                            new Stillborn(
                                    make.birth(),
                                    "no container of the service at %s: %s"
                                            .formatted(socket.path(), e.getMessage())));
        }
    }

    @Override
    public int capacity() {
        return Integer.MAX_VALUE; // the service says how many there can be
    }

    @Override
    public Optional<Failure> refusal(ContainerConfig config) {
        return config.equals(standard)
                ? Optional.empty()
                : Optional.of(
                        Failure.of(
                                Failure.Kind.INVALID_REQUEST,
                                "how containers are made is the service's to say: have its operator"
                                        + " name a profile, and choose it by cloister.socket.profile"));
    }

    @Override
    public String describe() {
        return "containers of the service at %s, profile %s"
                .formatted(socket.path(), socket.profile());
    }

    @Override
    public void close() {}
}
