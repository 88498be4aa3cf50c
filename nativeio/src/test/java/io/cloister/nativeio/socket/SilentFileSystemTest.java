// SPDX-License-Identifier: Apache-2.0
package io.cloister.nativeio.socket;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.cloister.nativeio.fd.DescriptorKind;
import io.cloister.nativeio.fd.DescriptorTraits;
import io.cloister.nativeio.fd.Fd;
import io.cloister.nativeio.libc.LibC;
import io.cloister.nativeio.testkit.Command;
import io.cloister.nativeio.testkit.Skip;
import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A stranger passes a file of a file system that it runs itself, and that does not answer. */
@Timeout(60)
class SilentFileSystemTest {
    private static final Duration DEADLINE = Duration.ofSeconds(20);

    /** FUSE_FLUSH of linux/fuse.h: what close(2) asks. */
    private static final int FLUSH = 25;

    @Test
    void shouldWaitForItInNoCallButClose(@TempDir Path directory) throws Exception {
        Skip.when(LibC.geteuid() != 0, "only root mounts");
        Path program = directory.resolve("silent_fuse");
        Path source = Path.of("src/test/c/silent_fuse.c").toAbsolutePath();
        List<String> compile =
                List.of("cc", "-Wall", "-Werror", "-o", program.toString(), source.toString());
        Command.run(directory, DEADLINE, compile).orFail();
        Path socket = directory.resolve("socket");
        Path file = Files.createFile(directory.resolve("file"));
        ByteBuffer buffer = ByteBuffer.allocateDirect(100).order(ByteOrder.nativeOrder());
        try (PacketListener listener =
                PacketListener.open(socket, 0600, OptionalInt.empty(), OptionalInt.empty(), 1)) {
            Process stranger =
                    new ProcessBuilder(program.toString(), socket.toString(), file.toString())
                            .inheritIO()
                            .start();
            try (PacketSocket client = accept(listener)) {
                Optional<Packet> first = receive(client, buffer);
                Skip.when(
                        first.isEmpty()
                                && stranger.waitFor(20, TimeUnit.SECONDS)
                                && stranger.exitValue() == 77,
                        "no FUSE to mount here");
                Fd passed = first.orElseThrow().descriptors().get(0);

                DescriptorTraits traits = DescriptorTraits.of(passed);

                assertThat(traits)
                        .isEqualTo(
                                new DescriptorTraits(
                                        DescriptorKind.OTHER_FILE,
                                        DescriptorTraits.Access.BOTH,
                                        false));
                assertThat(traits.kind().closesAtOnce()).isFalse();
                assertThat(client.receiveNow(buffer)).isEmpty(); // it was asked nothing
                client.discard(List.of(passed));
                Packet asked = client.receive(buffer, DEADLINE).orElseThrow();
                assertThat(asked.bytes().getInt(0)).isEqualTo(FLUSH);
                assertThat(client.pendingDiscards()).isEqualTo(1);

                stranger.destroyForcibly();
                await().atMost(DEADLINE).until(() -> client.pendingDiscards() == 0);
            } finally {
                stranger.destroyForcibly();
            }
        }
    }

    private static PacketSocket accept(PacketListener listener) throws IOException {
        try (Fd readiness = listener.readiness()) {
            await().atMost(DEADLINE).until(readiness::isReadable);
        }
        return listener.acceptNow().orElseThrow();
    }

    private static Optional<Packet> receive(PacketSocket client, ByteBuffer buffer)
            throws IOException {
        try {
            return client.receive(buffer, DEADLINE);
        } catch (EOFException e) {
            return Optional.empty();
        }
    }
}
