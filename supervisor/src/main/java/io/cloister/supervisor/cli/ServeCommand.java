// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.cli;

import akka.actor.typed.ActorSystem;
import akka.actor.typed.DispatcherSelector;
import com.typesafe.config.Config;
import com.typesafe.config.ConfigException;
import com.typesafe.config.ConfigFactory;
import io.cloister.nativeio.socket.PacketListener;
import io.cloister.supervisor.pool.ContainerSupervisor;
import io.cloister.supervisor.service.ContainerService;
import io.cloister.supervisor.service.ServiceSettings;
import java.io.IOException;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code cloister serve}: the local service, until it is told to end. */
@Command(
        name = "serve",
        description =
                "Holds containers for other processes of this host, which use them over a Unix"
                        + " socket and need no privileges.",
        mixinStandardHelpOptions = true,
        versionProvider = Version.class,
        exitCodeOnInvalidInput = Main.USAGE,
        exitCodeOnExecutionException = Main.SOFTWARE,
        exitCodeListHeading = "%nExit codes:%n",
        exitCodeList = {
            "2:the command line or a setting is wrong",
            "70:Cloister failed",
            "143:it was ended by SIGTERM, and no container is left"
        })
final class ServeCommand implements Callable<Integer> {
    @Spec private CommandSpec spec = CommandSpec.create();

    @Mixin private SettingsFile file = new SettingsFile();

    @Option(
            names = "--socket",
            paramLabel = "PATH",
            description = "Where to listen (default: as cloister.service.socket.path says).")
    private Optional<Path> socket = Optional.empty();

    @Override
    public Integer call() throws Exception {
        Main.logAtLeastInfo();
        Config config;
        ServiceSettings settings;
        try {
            config = config();
            settings = ServiceSettings.from(config);
        } catch (ConfigException | IllegalArgumentException e) {
            throw new ParameterException(spec.commandLine(), String.valueOf(e.getMessage()));
        }
        settings.profiles().forEach(profile -> ContainerSupervisor.check(profile.settings()));
        PacketListener listener = listener(settings);
        ActorSystem<ContainerService.Command> system =
                ActorSystem.create(
                        ContainerService.create(settings, listener),
                        "cloister-service",
                        config,
                        DispatcherSelector.fromConfig(ContainerSupervisor.DISPATCHER));
        spec.commandLine().getOut().println("listening at " + settings.path());
        spec.commandLine().getOut().flush();
        system.getWhenTerminated().toCompletableFuture().get();
        return 0;
    }

    private static PacketListener listener(ServiceSettings settings) throws IOException {
        Optional<PacketListener> passedOn =
                PacketListener.fromSystemd(System.getenv(), ProcessHandle.current().pid());
        return passedOn.isPresent()
                ? passedOn.get()
                : PacketListener.open(
                        settings.path(),
                        settings.mode(),
                        settings.owner(),
                        settings.group(),
                        settings.backlog());
    }

    private Config config() {
        Map<String, Object> overrides = new HashMap<>();
        socket.ifPresent(path -> overrides.put("cloister.service.socket.path", path.toString()));
        return ConfigFactory.defaultOverrides()
                .withFallback(ConfigFactory.parseMap(overrides, "the command line"))
                .withFallback(file.read())
                .withFallback(ConfigFactory.parseResources("cloister-service.conf"))
                .withFallback(ConfigFactory.defaultReferenceUnresolved())
                .resolve();
    }
}
