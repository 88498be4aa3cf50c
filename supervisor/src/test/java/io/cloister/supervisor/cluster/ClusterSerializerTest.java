// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.cluster;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import akka.actor.ExtendedActorSystem;
import akka.actor.testkit.typed.javadsl.TestProbe;
import akka.serialization.DisabledJavaSerializer;
import io.cloister.protocol.kryo.ProtocolKryo;
import io.cloister.protocol.kryo.WireFormat;
import io.cloister.protocol.kryo.WireType;
import io.cloister.protocol.unit.Bytes;
import java.io.IOException;
import java.io.NotSerializableException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * What nodes send each other, in bytes.
 *
 * <p>To add a class: give it an id and fields in {@link ClusterTypes}, a value in {@link
 * ClusterSamples}, run this test and copy the line it asks for. A line that is there never changes;
 * if it must, so must {@link ProtocolKryo#VERSION}, and the new one gets a file of its own.
 */
@Timeout(60)
class ClusterSerializerTest {
    private static WireSystem node;
    private static Map<String, Object> samples;

    @BeforeAll
    static void start() throws NotSerializableException {
        node = new WireSystem();
        samples = ClusterSamples.of(node.classic());
    }

    @AfterAll
    static void stop() {
        node.close();
    }

    @Test
    void shouldReadWhatItWrote() throws NotSerializableException {
        for (Object message : samples.values()) {
            assertThat(node.read(node.write(message), node.manifest(message))).isEqualTo(message);
        }
    }

    @Test
    void shouldHaveASampleOfEveryMessageAndPart() throws ReflectiveOperationException {
        Set<Class<?>> sampled = new HashSet<>();
        for (Object message : samples.values()) {
            collect(message, sampled);
        }

        assertThat(new ClusterTypes(node.classic()).all())
                .extracting(WireType::type)
                .allSatisfy(type -> assertThat(sampled).contains(type));
    }

    /** The classes of a record and of the records in it. */
    private static void collect(Object value, Set<Class<?>> into)
            throws ReflectiveOperationException {
        into.add(value.getClass());
        if (value instanceof Iterable<?> elements) {
            for (Object element : elements) {
                collect(element, into);
            }
        } else if (value instanceof Optional<?> optional) {
            if (optional.isPresent()) {
                collect(optional.get(), into);
            }
        } else if (value instanceof Record) {
            for (var component : value.getClass().getRecordComponents()) {
                collect(component.getAccessor().invoke(value), into);
            }
        }
    }

    @Test
    void shouldKnowEveryMessageOfThePackage() throws ReflectiveOperationException {
        Set<Class<?>> known = new HashSet<>();
        new ClusterTypes(node.classic()).all().forEach(type -> known.add(type.type()));
        List<Class<?>> messages = new ArrayList<>();
        for (Class<?> type : classesOfThePackage()) {
            if (Remote.class.isAssignableFrom(type) && !type.isInterface()) {
                messages.add(type);
            }
        }

        assertThat(messages).hasSizeGreaterThan(10);
        assertThat(known).containsAll(messages);
    }

    private static List<Class<?>> classesOfThePackage() throws ReflectiveOperationException {
        Class<?> here = ClusterSerializer.class;
        Path root = Path.of(here.getProtectionDomain().getCodeSource().getLocation().getPath());
        try (Stream<Path> files =
                Files.list(root.resolve(here.getPackageName().replace('.', '/')))) {
            List<Class<?>> types = new ArrayList<>();
            for (Path file : (Iterable<Path>) files::iterator) {
                String name = file.getFileName().toString();
                if (name.endsWith(".class") && !name.startsWith("package-info")) {
                    types.add(
                            Class.forName(
                                    here.getPackageName()
                                            + "."
                                            + name.substring(0, name.length() - 6)));
                }
            }
            return types;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Test
    void shouldWriteTheBytesThatAreKept() {
        Map<String, ClusterGoldenBytes> kept = ClusterGoldenBytes.of(ProtocolKryo.VERSION);
        List<String> missing = new ArrayList<>();
        samples.forEach((name, message) -> {
            String hex = HexFormat.of().formatHex(node.write(message));
            ClusterGoldenBytes line = new ClusterGoldenBytes(node.manifest(message), hex);
            if (kept.containsKey(name)) {
                assertThat(line)
                        .as("bytes of %s; releases could no longer talk to each other", name)
                        .isEqualTo(kept.get(name));
            } else {
                missing.add("%s %s %s".formatted(name, line.manifest(), hex));
            }
        });
        assertThat(missing)
                .as(
                        "%s has no line for these; if they are new, add:\n%s",
                        ClusterGoldenBytes.resource(ProtocolKryo.VERSION),
                        String.join("\n", missing))
                .isEmpty();
    }

    @Test
    void shouldReadAndWriteTheBytesOfEveryVersionSinceTheOldest() throws NotSerializableException {
        for (int version = ProtocolKryo.OLDEST_VERSION;
                version <= ProtocolKryo.VERSION;
                version++) {
            ClusterSerializer serializer =
                    new ClusterSerializer(
                            (ExtendedActorSystem) node.classic(),
                            new ClusterTypes(node.classic()).withProtocol(),
                            new WireFormat.Versions(
                                    ProtocolKryo.OLDEST_VERSION, ProtocolKryo.VERSION, version));
            for (ClusterGoldenBytes line : ClusterGoldenBytes.of(version).values()) {
                Object read = node.read(line.bytes(), line.manifest());
                assertThat(serializer.toBinary(read)).isEqualTo(line.bytes());
            }
        }
    }

    @Test
    void shouldReadEachKeptLineAsItsSample() throws NotSerializableException {
        for (var line : ClusterGoldenBytes.of(ProtocolKryo.VERSION).entrySet()) {
            assertThat(node.read(line.getValue().bytes(), line.getValue().manifest()))
                    .as(line.getKey())
                    .isEqualTo(samples.get(line.getKey()));
        }
    }

    @Test
    void shouldReferToActorsOfThisNodeSoThatOthersReachThem() throws NotSerializableException {
        TestProbe<ClusterView> probe = node.kit().createTestProbe();
        RunQueue.Look look = new RunQueue.Look(probe.ref());

        byte[] bytes = node.write(look);

        assertThat(new String(bytes, StandardCharsets.ISO_8859_1))
                .contains("akka://wire@127.0.0.1:");
        assertThat(node.read(bytes, node.manifest(look))).isEqualTo(look);
    }

    @Test
    void shouldBeTheSerializerOfEveryMessage() throws NotSerializableException {
        for (Object message : samples.values()) {
            assertThat(node.serialization().serializerFor(message.getClass()))
                    .as(message.getClass().getName())
                    .isInstanceOf(ClusterSerializer.class);
        }
        // Numbers up to 40 are Akka's own.
        assertThat(node.serializer().identifier()).isGreaterThan(40);
    }

    @Test
    void shouldLeaveNothingToJavaSerialization() throws NotSerializableException {
        assertThat(node.classic().settings().AllowJavaSerialization()).isFalse();
        assertThat(node.serialization().serializerFor(java.io.File.class))
                .isInstanceOf(DisabledJavaSerializer.class);
    }

    @Test
    void shouldWriteNoOtherClass() {
        RunKey part = new RunKey("tenant", "id");
        assertThatThrownBy(() -> node.serializer().toBinary(part))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("no message between nodes");
        assertThatThrownBy(() -> node.serializer().manifest("text"))
                .isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void shouldWriteNothingThatIsTooLong() {
        // the texts of workers are bounded, so this takes as many as there can be
        Capabilities wordy =
                new Capabilities("x".repeat(512), 1, 1, 0, "", "", tags(), "x".repeat(512));
        ClusterView view =
                new ClusterView(
                        "node",
                        1,
                        1,
                        1,
                        1,
                        1,
                        Optional.empty(),
                        Collections.nCopies(
                                ClusterView.MAX_WORKERS,
                                new ClusterView.WorkerView(
                                        wordy, ClusterView.Condition.READY, 0, 0, 0)),
                        List.of());

        assertThatThrownBy(() -> node.serializer().toBinary(view))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("cannot be written");
    }

    private static Set<String> tags() {
        return IntStream.range(0, Terms.MAX_TAGS)
                .mapToObj(i -> "x".repeat(Terms.MAX_TAG_BYTES - 2) + (10 + i))
                .collect(Collectors.toSet());
    }

    @Test
    void shouldCarryTheLargestParcel() throws NotSerializableException {
        Order order =
                new Order(
                        new RunKey("t", "i"),
                        Terms.STANDARD,
                        1,
                        0,
                        new Parcel.Inline(Bytes.wrap(new byte[Parcel.MAX_INLINE])),
                        node.kit().<FileServer.Command>createTestProbe().ref());
        WorkerNode.Assignment assignment = new WorkerNode.Assignment(1, order);

        assertThat(node.read(node.write(assignment), node.manifest(assignment)))
                .isEqualTo(assignment);
    }
}
