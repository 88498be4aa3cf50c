// SPDX-License-Identifier: Apache-2.0
package io.cloister.it;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.cloister.nativeio.libc.LibC;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/**
 * Network namespaces, each with an address of its own, at a bridge on which this JVM has one, too:
 *
 * <pre>
 *   this JVM, 198.18.N.1 ── bridge clN ─┬─ clN-2 ── eth0 198.18.N.2 in the namespace cloister-PID-2
 *                                       └─ clN-3 ── eth0 198.18.N.3 in the namespace cloister-PID-3
 * </pre>
 *
 * <p>The addresses are of the range for tests of networks, RFC 2544. What a JVM that was killed has
 * left is removed when the next one begins.
 */
final class TestNetwork implements AutoCloseable {
    private static final Path NAMESPACES = Path.of("/run/netns");
    private static final String PREFIX = "cloister-";
    private static final long PID = ProcessHandle.current().pid();
    private static final int NETWORK = (int) (PID % 256);
    private static final String BRIDGE = "cl" + PID;

    /** Where nothing else but this JVM is. */
    static final String HERE = "198.18.%d.1".formatted(NETWORK);

    private final List<Place> places = new ArrayList<>();

    /** A network namespace. */
    record Place(String name, String link, String address) {
        /** What becomes a command there. ip-netns(8) would hide the control groups as well. */
        List<String> command() {
            return List.of("nsenter", "--net=" + NAMESPACES.resolve(name), "--");
        }

        /** Nothing goes in or out; nobody is told. */
        void cut() throws IOException, InterruptedException {
            ip("link", "set", link, "nomaster");
        }

        void mend() throws IOException, InterruptedException {
            ip("link", "set", link, "master", BRIDGE);
        }
    }

    /** Makes the bridge; the test is skipped where that is not possible. */
    TestNetwork() throws IOException, InterruptedException {
        assumeTrue(LibC.geteuid() == 0, "network namespaces need root");
        assumeTrue(isInstalled("ip") && isInstalled("nsenter"), "ip or nsenter is not installed");
        sweep();
        String refused = tryIp("link", "add", BRIDGE, "type", "bridge");
        assumeTrue(refused.isEmpty(), "bridges cannot be made here: " + refused);
        ip("addr", "add", HERE + "/24", "dev", BRIDGE);
        ip("link", "set", BRIDGE, "up");
    }

    Place place() throws IOException, InterruptedException {
        int number = places.size() + 2;
        Place place =
                new Place(
                        PREFIX + PID + "-" + number,
                        BRIDGE + "-" + number,
                        "198.18.%d.%d".formatted(NETWORK, number));
        places.add(place);
        ip("netns", "add", place.name());
        ip("link", "add", place.link(), "type", "veth", "peer", "eth0", "netns", place.name());
        ip("-n", place.name(), "link", "set", "lo", "up");
        ip("-n", place.name(), "addr", "add", place.address() + "/24", "dev", "eth0");
        ip("-n", place.name(), "link", "set", "eth0", "up");
        ip("link", "set", place.link(), "up");
        place.mend();
        return place;
    }

    @Override
    public void close() throws IOException, InterruptedException {
        for (Place place : places) {
            tryIp("link", "del", place.link());
            tryIp("netns", "del", place.name());
        }
        tryIp("link", "del", BRIDGE);
    }

    private static void sweep() throws IOException, InterruptedException {
        if (!Files.isDirectory(NAMESPACES)) {
            return;
        }
        List<String> names;
        try (Stream<Path> all = Files.list(NAMESPACES)) {
            names = all.map(path -> path.getFileName().toString()).toList();
        }
        for (String name : names) {
            String[] parts = name.split("-");
            boolean ours = name.matches(PREFIX + "[0-9]+-[0-9]+");
            if (ours && ProcessHandle.of(Long.parseLong(parts[1])).isEmpty()) {
                tryIp("netns", "del", name); // and its link
                tryIp("link", "del", "cl" + parts[1]);
            }
        }
    }

    private static boolean isInstalled(String program) {
        return Stream.of(System.getenv("PATH").split(":"))
                .anyMatch(directory -> Files.isExecutable(Path.of(directory, program)));
    }

    private static void ip(String... arguments) throws IOException, InterruptedException {
        assertThat(tryIp(arguments)).as("ip " + String.join(" ", arguments)).isEmpty();
    }

    /** What it complains of. */
    private static String tryIp(String... arguments) throws IOException, InterruptedException {
        List<String> command = new ArrayList<>(List.of("ip"));
        command.addAll(List.of(arguments));
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        String output =
                new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8).trim();
        assertThat(process.waitFor(20, TimeUnit.SECONDS)).as(command.toString()).isTrue();
        return process.exitValue() == 0
                ? ""
                : "exit code %d, %s".formatted(process.exitValue(), output);
    }
}
