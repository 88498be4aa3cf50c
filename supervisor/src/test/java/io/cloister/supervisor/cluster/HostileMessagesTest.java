// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.cluster;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.management.ThreadMXBean;
import io.cloister.protocol.kryo.ProtocolKryo;
import java.io.ByteArrayOutputStream;
import java.io.NotSerializableException;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Collection;
import java.util.HexFormat;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Bytes from a node that means harm: what is understood is a message like any other, everything
 * else costs a {@link NotSerializableException} and memory in proportion to the bytes.
 */
@Timeout(120)
class HostileMessagesTest {
    /** What a refusal takes, its stack trace included. */
    private static final long MAX_ALLOCATED = 256 * 1024;

    /** For each byte that came: every other one begins a component of an actor's path at worst. */
    private static final long MAX_ALLOCATED_PER_BYTE = 1024;

    private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();

    private static WireSystem node;
    private static Collection<ClusterGoldenBytes> golden;

    @BeforeAll
    static void start() throws NotSerializableException {
        node = new WireSystem();
        golden = ClusterGoldenBytes.of(ProtocolKryo.VERSION).values();
        for (ClusterGoldenBytes line : golden) {
            node.read(line.bytes(), line.manifest()); // loads classes
        }
    }

    @AfterAll
    static void stop() {
        node.close();
    }

    /** Whether it was a message. */
    private static boolean readOrRefuse(byte[] bytes, String manifest) {
        long before = THREADS.getCurrentThreadAllocatedBytes();
        Object message;
        try {
            message = node.read(bytes, manifest);
        } catch (NotSerializableException refused) {
            message = null;
        }
        assertThat(THREADS.getCurrentThreadAllocatedBytes() - before)
                .as("bytes allocated for %d bytes", bytes.length)
                .isLessThan(MAX_ALLOCATED + MAX_ALLOCATED_PER_BYTE * bytes.length);
        if (message == null) {
            return false;
        }
        assertThat(message).isInstanceOf(Remote.class);
        assertThat(node.manifest(message)).isEqualTo(manifest);
        byte[] written = node.write(message);
        try {
            assertThat(node.read(written, manifest)).isEqualTo(message);
        } catch (NotSerializableException unreadable) {
            throw new AssertionError("it cannot read what it writes", unreadable);
        }
        return true;
    }

    @Test
    void shouldRefuseEveryMessageThatIsCutShort() {
        for (ClusterGoldenBytes line : golden) {
            byte[] bytes = line.bytes();
            for (int length = 0; length < bytes.length - 1; length++) {
                byte[] cut = Arrays.copyOf(bytes, length);
                assertThat(readOrRefuse(cut, line.manifest()))
                        .as("first %d bytes of %s", length, line)
                        .isFalse();
            }
        }
    }

    @Test
    void shouldRefuseBytesLeftOver() {
        for (ClusterGoldenBytes line : golden) {
            byte[] longer = Arrays.copyOf(line.bytes(), line.bytes().length + 1);
            assertThatThrownBy(() -> node.read(longer, line.manifest()))
                    .isInstanceOf(NotSerializableException.class)
                    .hasMessageContaining("left over");
        }
    }

    @Test
    void shouldRefuseOrUnderstandEveryMessageWithOneBitFlipped() {
        int understood = 0;
        for (ClusterGoldenBytes line : golden) {
            byte[] bytes = line.bytes();
            for (int bit = 0; bit < bytes.length * Byte.SIZE; bit++) {
                bytes[bit / Byte.SIZE] ^= (byte) (1 << bit % Byte.SIZE);
                understood += readOrRefuse(bytes, line.manifest()) ? 1 : 0;
                bytes[bit / Byte.SIZE] ^= (byte) (1 << bit % Byte.SIZE);
            }
        }
        assertThat(understood).as("another letter of a text").isPositive();
    }

    @Test
    void shouldRefuseOrUnderstandEveryMessageUnderTheManifestOfAnother() {
        for (ClusterGoldenBytes line : golden) {
            for (ClusterGoldenBytes other : golden) {
                readOrRefuse(line.bytes(), other.manifest());
            }
        }
    }

    @Test
    void shouldRefuseOrUnderstandRandomBytes() {
        Random random = new Random(44);
        List<ClusterGoldenBytes> lines = List.copyOf(golden);
        for (int round = 0; round < 20_000; round++) {
            ClusterGoldenBytes line = lines.get(random.nextInt(lines.size()));
            byte[] kept = line.bytes();
            byte[] bytes = new byte[random.nextInt(2 * kept.length)];
            random.nextBytes(bytes);
            // What begins well leads deeper into the fields.
            System.arraycopy(
                    kept, 0, bytes, 0, random.nextInt(Math.min(kept.length, bytes.length) + 1));
            readOrRefuse(bytes, line.manifest());
        }
    }

    /** After the version: 204 is attached, 209 a view, 231 an assignment, 235 suspend. */
    @ParameterizedTest
    @ValueSource(
            strings = {
                // Texts of 2^31 - 1, of 2^32 - 1 and of 240 KiB, with nothing after it.
                "235 02ffffffff07",
                "235 02ffffffff0f",
                "235 0280800f",
                // An actor whose path has 2^31 - 1 bytes.
                "208 02ffffffff07",
                // A list of 2^31 - 1, of 16384 and of 10000 elements.
                "209 020000000000ffffffff07",
                "209 020000000000904e",
                // A number that never ends.
                "209 0200ffffffffffffffffffffffffffff",
                // A parcel that is no parcel but a run, and one that has no class.
                "231 0201016101690000000000660000",
                "231 02010161016900000000000000",
                // Null for the answer, and a class by its name.
                "222 020161016900",
                "222 0201610169010021006a6176612e6c616e672e4f626aef",
            })
    void shouldAllocateLittleForClaimsThatNothingBacks(String line) throws Exception {
        String[] words = line.split(" ");
        byte[] bytes = HexFormat.of().parseHex(words[1]);
        assertThat(readOrRefuse(bytes, words[0])).isFalse();
    }

    @Test
    void shouldAllocateInProportionForTheLargestMessages() {
        for (ClusterGoldenBytes line : golden) {
            for (int fill : new int[] {0, 1, 0x7F, 'a', '/', 0xFF}) {
                byte[] bytes = new byte[ClusterSerializer.MAX_BYTES];
                Arrays.fill(bytes, (byte) fill);
                byte[] kept = line.bytes();
                for (int keep = 1; keep <= kept.length; keep += 5) {
                    System.arraycopy(kept, 0, bytes, 0, keep);
                    readOrRefuse(bytes, line.manifest());
                }
            }
        }
    }

    @Test
    void shouldAllocateInProportionForPathsOfManyParts() {
        String prefix = "akka://c@192.0.2.1:2552";
        String path = prefix + "/a".repeat((ClusterTypes.MAX_REF_BYTES - prefix.length()) / 2);
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        bytes.write(ProtocolKryo.VERSION);
        bytes.write((path.length() & 0x7F) | 0x80);
        bytes.write(path.length() >> 7);
        bytes.writeBytes(path.getBytes(StandardCharsets.US_ASCII));

        assertThat(readOrRefuse(bytes.toByteArray(), "208")).isTrue();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "/user/queue",
                "akka",
                "akka://",
                "akka://c@192.0.2.1:2552",
                "akka://c@192.0.2.1:99999999999/user/a",
                "http://192.0.2.1/user/queue",
                "akka://c@192.0.2.1:2552/user/%",
                "akka://c@[::1/user/a",
            })
    void shouldRefuseOrUnderstandReferencesThatAreNoPaths(String text) {
        byte[] path = text.getBytes(StandardCharsets.UTF_8);
        byte[] bytes = new byte[path.length + 2];
        bytes[0] = ProtocolKryo.VERSION;
        bytes[1] = (byte) path.length;
        System.arraycopy(path, 0, bytes, 2, path.length);
        readOrRefuse(bytes, "208");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "no",
                "akka://c/user/a",
                "http://192.0.2.1:80/user/a",
                "akka://c@192.0.2.1:2552/user/a?b",
                "akka://c@192.0.2.1:2552/user/a?b#1",
                "akka://c@192.0.2.1:2552/user/a#0",
            })
    void shouldRefuseWhatIsNoActorOfANode(String text) {
        byte[] path = text.getBytes(StandardCharsets.UTF_8);
        byte[] bytes = new byte[path.length + 2];
        bytes[0] = ProtocolKryo.VERSION;
        bytes[1] = (byte) path.length;
        System.arraycopy(path, 0, bytes, 2, path.length);
        assertThatThrownBy(() -> node.read(bytes, "208"))
                .isInstanceOf(NotSerializableException.class)
                .hasMessageContaining("not the path of an actor");
    }

    /** Parts of messages and values of the protocol have numbers too, but are no messages. */
    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "0",
                "16",
                "102",
                "118",
                "250",
                "253",
                "199",
                "999",
                "-1",
                "200 ",
                "io.cloister.supervisor.cluster.RunQueue$Submit",
                "java.lang.String"
            })
    void shouldRefuseManifestsOfNoMessage(String manifest) {
        assertThatThrownBy(() -> node.read(new byte[] {ProtocolKryo.VERSION}, manifest))
                .isInstanceOf(NotSerializableException.class)
                .hasMessageContaining("manifest");
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, ProtocolKryo.VERSION + 1, 255})
    void shouldRefuseOtherVersionsAndSayWhatToDo(int version) {
        for (ClusterGoldenBytes line : golden) {
            byte[] bytes = line.bytes();
            bytes[0] = (byte) version;
            assertThatThrownBy(() -> node.read(bytes, line.manifest()))
                    .isInstanceOf(NotSerializableException.class)
                    .hasMessageContaining("version " + version)
                    .hasMessageContaining("upgrade");
        }
    }

    @Test
    void shouldRefuseMessagesThatAreTooLong() {
        byte[] bytes = new byte[ClusterSerializer.MAX_BYTES + 1];
        assertThatThrownBy(() -> node.read(bytes, "200"))
                .isInstanceOf(NotSerializableException.class)
                .hasMessageContaining("at most");
    }
}
