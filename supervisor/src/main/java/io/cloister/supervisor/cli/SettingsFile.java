// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.cli;

import com.typesafe.config.Config;
import com.typesafe.config.ConfigException;
import com.typesafe.config.ConfigFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** The option {@code --config}. */
final class SettingsFile {
    @Spec(Spec.Target.MIXEE)
    private CommandSpec spec = CommandSpec.create();

    @Option(
            names = "--config",
            paramLabel = "FILE",
            description =
                    "Further settings in HOCON, as reference.conf lists them; docs/cluster.md and"
                            + " docs/deployment.md have examples.")
    private @Nullable Path file;

    /**
     * What it says, not resolved; empty without the option.
     *
     * @throws ParameterException if it cannot be read or parsed
     */
    Config read() {
        if (file == null) {
            return ConfigFactory.empty();
        }
        if (!Files.isReadable(file)) {
            throw wrong("%s cannot be read".formatted(file));
        }
        try {
            return ConfigFactory.parseFile(file.toFile());
        } catch (ConfigException e) {
            throw wrong(String.valueOf(e.getMessage()));
        }
    }

    private ParameterException wrong(String message) {
        return new ParameterException(spec.commandLine(), "--config: " + message);
    }
}
