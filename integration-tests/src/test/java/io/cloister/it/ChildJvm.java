// SPDX-License-Identifier: Apache-2.0
package io.cloister.it;

import static org.assertj.core.api.Assertions.assertThat;

import io.cloister.nativeio.libc.LibC;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.io.Writer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Queue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/**
 * A program of these tests in a JVM of its own, with which one talks line by line. Closing it kills
 * it; so does the end of this JVM, since it reads its standard input.
 */
final class ChildJvm implements AutoCloseable {
    /** What marks a line of the conversation; all others are log. */
    private static final String MARK = "=> ";

    private static final Duration LIMIT = Duration.ofSeconds(60);
    private static final String END = "(end of output)";
    private static final int SIGTERM = 15;
    private static final int SIGCONT = 18;
    private static final int SIGSTOP = 19;

    private final Process process;
    private final Writer input;
    private final BlockingQueue<String> said = new LinkedBlockingQueue<>();
    private final Queue<String> log = new ConcurrentLinkedQueue<>();

    /**
     * An ordinary user.
     *
     * @param classPath that this user can read
     */
    record User(int uid, String classPath) {
        /** Becomes one who has no capability and cannot get any. */
        List<String> command() {
            return List.of(
                    "setpriv",
                    "--reuid=" + uid,
                    "--regid=" + uid,
                    "--clear-groups",
                    "--inh-caps=-all",
                    "--bounding-set=-all",
                    "--no-new-privs");
        }
    }

    private ChildJvm(Process process) {
        this.process = process;
        input = process.outputWriter(StandardCharsets.UTF_8);
        Thread reader = new Thread(this::read, "output of child " + process.pid());
        reader.setDaemon(true);
        reader.start();
    }

    /**
     * Starts one.
     *
     * @param temporary its directory of temporary files
     */
    static ChildJvm start(
            Class<?> main, Path temporary, Optional<User> user, List<String> arguments)
            throws IOException {
        List<String> by =
                user.map(who ->
                                List.of(
                                        "setpriv",
                                        "--reuid=" + who.uid(),
                                        "--regid=" + who.uid(),
                                        "--clear-groups"))
                        .orElse(List.of());
        String classPath = user.map(User::classPath).orElse(System.getProperty("java.class.path"));
        return start(by, main, temporary, classPath, arguments);
    }

    /**
     * Starts one.
     *
     * @param by a command that becomes the one it is given
     * @param temporary its directory of temporary files
     */
    static ChildJvm start(List<String> by, Class<?> main, Path temporary, List<String> arguments)
            throws IOException {
        return start(by, main, temporary, System.getProperty("java.class.path"), arguments);
    }

    /**
     * Starts one.
     *
     * @param by a command that becomes the one it is given
     * @param temporary its directory of temporary files
     */
    static ChildJvm start(
            List<String> by,
            Class<?> main,
            Path temporary,
            String classPath,
            List<String> arguments)
            throws IOException {
        List<String> command = new ArrayList<>(by);
        command.addAll(
                List.of(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-XX:+IgnoreUnrecognizedVMOptions",
                        "--sun-misc-unsafe-memory-access=allow",
                        "--enable-native-access=ALL-UNNAMED",
                        "-XX:+UseSerialGC",
                        "-XX:TieredStopAtLevel=1",
                        "-XX:-UsePerfData",
                        "-Xmx256m",
                        "-Djna.nosys=true",
                        "-Djava.io.tmpdir=" + temporary,
                        "-cp",
                        classPath,
                        main.getName()));
        command.addAll(arguments);
        ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true);
        builder.environment().remove("JAVA_TOOL_OPTIONS");
        builder.directory(temporary.toFile());
        return new ChildJvm(builder.start());
    }

    /** Copies this JVM's class path to where everybody may read it. */
    static String copyClassPath(Path directory) throws IOException {
        List<String> copied = new ArrayList<>();
        for (String entry : System.getProperty("java.class.path").split(":")) {
            Path from = Path.of(entry);
            if (Files.exists(from)) {
                Path to = directory.resolve(copied.size() + "-" + from.getFileName());
                copyTree(from, to);
                copied.add(to.toString());
            }
        }
        return String.join(":", copied);
    }

    private static void copyTree(Path from, Path to) throws IOException {
        try (Stream<Path> paths = Files.walk(from)) {
            for (Path path : (Iterable<Path>) paths::iterator) {
                Files.copy(path, to.resolve(from.relativize(path).toString()));
            }
        }
    }

    /** For the child: says a line to its parent. */
    static void say(String line) {
        System.out.println(MARK + line);
        System.out.flush();
    }

    private void read() {
        try (BufferedReader lines = process.inputReader(StandardCharsets.UTF_8)) {
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                if (line.startsWith(MARK)) {
                    said.add(line.substring(MARK.length()));
                } else {
                    log.add(line);
                }
            }
        } catch (IOException e) {
            log.add(e.toString());
        }
        said.add(END);
    }

    /** Sends a line and returns the answer. */
    String ask(String line) throws InterruptedException {
        try {
            input.write(line + "\n");
            input.flush();
        } catch (IOException e) {
            throw new UncheckedIOException(log(), e);
        }
        return listen();
    }

    /** The next line that it says. */
    String listen() throws InterruptedException {
        String line = said.poll(LIMIT.toSeconds(), TimeUnit.SECONDS);
        if (line == null || line.equals(END)) {
            throw new AssertionError(
                    (line == null ? "the child says nothing" : "the child has ended")
                            + ": "
                            + log());
        }
        return line;
    }

    /** Waits for a line of its log that has this. */
    void awaitLog(String text) throws InterruptedException {
        long end = System.nanoTime() + LIMIT.toNanos();
        while (log.stream().noneMatch(line -> line.contains(text))) {
            if (!process.isAlive() || System.nanoTime() - end > 0) {
                throw new AssertionError("no '" + text + "': " + log());
            }
            Thread.sleep(20);
        }
    }

    /** Whether its output ends next: it says no more. */
    boolean hasEnded() throws InterruptedException {
        return END.equals(said.poll(LIMIT.toSeconds(), TimeUnit.SECONDS));
    }

    Process process() {
        return process;
    }

    /** Stops it where it is, until {@link #goOn}. */
    void stop() {
        assertThat(LibC.kill((int) process.pid(), SIGSTOP)).isZero();
    }

    void goOn() {
        assertThat(LibC.kill((int) process.pid(), SIGCONT)).isZero();
    }

    /** Asks it to end by SIGTERM; {@link Process#destroy} would close its standard input too. */
    void terminate() {
        assertThat(LibC.kill((int) process.pid(), SIGTERM)).isZero();
    }

    String log() {
        return String.join("\n", log);
    }

    @Override
    public void close() {
        process.destroyForcibly().onExit().join();
    }
}
