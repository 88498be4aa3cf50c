// SPDX-License-Identifier: Apache-2.0
package io.cloister.it.bench;

import akka.actor.typed.ActorSystem;
import akka.actor.typed.DispatcherSelector;
import com.typesafe.config.Config;
import com.typesafe.config.ConfigFactory;
import io.cloister.nativeio.socket.PacketListener;
import io.cloister.supervisor.pool.ContainerSupervisor;
import io.cloister.supervisor.service.ContainerService;
import io.cloister.supervisor.service.ServiceSettings;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;

/** The local service in a JVM of its own. */
final class ServiceProcess implements AutoCloseable {
    private final Path directory;
    private final Process process;

    private ServiceProcess(Path directory, Process process) {
        this.directory = directory;
        this.process = process;
    }

    /** Starts one that has as many containers as are wanted. */
    static ServiceProcess start() throws IOException {
        Path directory = Files.createTempDirectory("cloister-bench");
        Process process =
                ChildJvm.start(ServiceProcess.class, directory.resolve("socket").toString());
        ServiceProcess service = new ServiceProcess(directory, process);
        if (process.inputReader().readLine() == null) {
            service.close();
            throw new IOException("the service did not start");
        }
        return service;
    }

    Path socket() {
        return directory.resolve("socket");
    }

    @Override
    public void close() throws IOException {
        process.outputWriter().close();
        try {
            if (!process.waitFor(30, TimeUnit.SECONDS)) {
                process.destroyForcibly();
            }
        } catch (InterruptedException e) {
            process.destroyForcibly();
            Thread.currentThread().interrupt();
        }
        for (String left : new String[] {"socket", "socket.lock", ""}) {
            Files.deleteIfExists(directory.resolve(left));
        }
    }

    /** Serves until the end of its input. */
    public static void main(String[] arguments) throws Exception {
        Config config =
                ConfigFactory.parseString(
                                """
                                cloister.service {
                                  socket.path = "%s"
                                  profile-defaults.settings.containers { max = 16, warm = 0 }
                                }
                                """
                                        .formatted(arguments[0]))
                        .withFallback(ConfigFactory.parseResources("cloister-service.conf"))
                        .withFallback(ConfigFactory.defaultReferenceUnresolved())
                        .resolve();
        ServiceSettings settings = ServiceSettings.from(config);
        PacketListener listener =
                PacketListener.open(
                        settings.path(),
                        settings.mode(),
                        settings.owner(),
                        settings.group(),
                        settings.backlog());
        ActorSystem<ContainerService.Command> system =
                ActorSystem.create(
                        ContainerService.create(settings, listener),
                        "cloister-service",
                        config,
                        DispatcherSelector.fromConfig(ContainerSupervisor.DISPATCHER));
        System.out.println("listening");
        while (System.in.read() != -1) {
            // nothing is said to it
        }
        system.terminate();
        system.getWhenTerminated().toCompletableFuture().get();
    }
}
