// SPDX-License-Identifier: Apache-2.0
package io.cloister.it;

import static org.assertj.core.api.Assertions.assertThat;

import io.cloister.supervisor.cli.Main;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** {@code cloister serve} in a JVM of its own. */
final class ServiceProcess implements AutoCloseable {
    private static final int SIGTERM = 15;

    private final Path directory;
    private final Path socket;
    private final Path config;
    private ChildJvm jvm;

    private ServiceProcess(Path directory, Path socket, Path config) throws Exception {
        this.directory = directory;
        this.socket = socket;
        this.config = config;
        jvm = launch();
    }

    /**
     * Starts one; it listens when it is returned. Everybody may open its socket; who may use it is
     * said by the settings.
     *
     * @param directory of the socket, which is {@code NAME.sock}, and of the settings
     */
    static ServiceProcess start(Path directory, String name, String... settings) throws Exception {
        Path socket = directory.resolve(name + ".sock");
        Path config = directory.resolve(name + ".conf");
        Files.writeString(
                config,
                "cloister.service.socket { path = \"%s\", mode = \"0666\" }\n".formatted(socket)
                        + String.join("\n", settings));
        return new ServiceProcess(directory, socket, config);
    }

    private ChildJvm launch() throws Exception {
        ChildJvm child =
                ChildJvm.start(
                        List.of(),
                        ServiceProcess.class,
                        directory,
                        List.of("serve", "--config", config.toString()));
        try {
            child.awaitLog("listening at " + socket);
        } catch (AssertionError | InterruptedException e) {
            child.close();
            throw e;
        }
        return child;
    }

    /** The command, until the parent ends. */
    public static void main(String[] arguments) {
        Thread parent =
                new Thread(
                        () -> {
                            try {
                                while (System.in.read() != -1) {}
                            } catch (IOException e) {
                                // as its end
                            }
                            Runtime.getRuntime().halt(1);
                        },
                        "parent");
        parent.setDaemon(true);
        parent.start();
        Main.main(arguments);
    }

    Path socket() {
        return socket;
    }

    long pid() {
        return jvm.process().pid();
    }

    String log() {
        return jvm.log();
    }

    /** Everything that it has started. */
    List<HostProcesses.Seen> descendants() throws IOException {
        return HostProcesses.descendants(pid());
    }

    /** By kill -9. */
    void kill() {
        jvm.close();
    }

    /** At the same path, after its end. */
    void startAgain() throws Exception {
        assertThat(jvm.process().isAlive()).isFalse();
        jvm = launch();
    }

    /** By SIGTERM: it ends when no container is left. */
    void terminate() throws InterruptedException {
        jvm.terminate();
        assertThat(jvm.process().waitFor(20, TimeUnit.SECONDS)).as(log()).isTrue();
        assertThat(jvm.process().exitValue()).as(log()).isEqualTo(128 + SIGTERM);
    }

    @Override
    public void close() {
        jvm.close();
    }
}
