// SPDX-License-Identifier: Apache-2.0
package io.cloister.protocol.kryo;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.cloister.protocol.container.ContainerConfig;
import io.cloister.protocol.container.Credential;
import io.cloister.protocol.container.MaskPath;
import io.cloister.protocol.container.Mount;
import io.cloister.protocol.container.SymbolicLink;
import io.cloister.protocol.message.Conf;
import io.cloister.protocol.message.ContainerState;
import io.cloister.protocol.message.Executable;
import io.cloister.protocol.message.Failure;
import io.cloister.protocol.message.Linked;
import io.cloister.protocol.message.Ping;
import io.cloister.protocol.message.Pong;
import io.cloister.protocol.message.Reply;
import io.cloister.protocol.message.Request;
import io.cloister.protocol.message.Symlink;
import io.cloister.protocol.run.Content;
import io.cloister.protocol.run.CopyIn;
import io.cloister.protocol.run.Program;
import io.cloister.protocol.run.Run;
import io.cloister.protocol.run.Stream;
import io.cloister.protocol.run.Termination;
import io.cloister.protocol.unit.ByteSize;
import java.lang.reflect.Modifier;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

@Timeout(value = 60, unit = TimeUnit.SECONDS)
class ProtocolKryoTest {
    private final ProtocolKryo kryo = new ProtocolKryo();

    static java.util.stream.Stream<String> samples() {
        return Samples.ALL.keySet().stream();
    }

    @ParameterizedTest
    @MethodSource("samples")
    void shouldReadWhatItWrote(String name) throws ProtocolException {
        Object value = Samples.ALL.get(name);

        assertThat(kryo.read(kryo.write(value))).isEqualTo(value).hasSameClassAs(value);
    }

    @Test
    void shouldHaveASampleOfEveryRegisteredClass() {
        Set<Class<?>> sampled = new HashSet<>();
        Samples.ALL.values().forEach(value -> sampled.add(value.getClass()));

        assertThat(WireTypes.ALL)
                .extracting(WireType::type)
                .allSatisfy(type -> assertThat(sampled).contains(type));
    }

    @Test
    void shouldRegisterEveryCaseOfEverySealedInterface() {
        Set<Class<?>> registered = new HashSet<>();
        WireTypes.ALL.forEach(type -> registered.add(type.type()));

        for (Class<?> root :
                List.of(
                        Request.class,
                        Reply.class,
                        Mount.class,
                        Executable.class,
                        Termination.class,
                        Stream.class,
                        Content.class,
                        CopyIn.class)) {
            assertThat(cases(root)).isNotEmpty().allMatch(registered::contains);
        }
    }

    @Test
    void shouldGiveEachClassAnIdOfItsOwnBeyondThoseOfKryo() {
        assertThat(WireTypes.ALL).extracting(WireType::id).doesNotHaveDuplicates();
        assertThat(WireTypes.ALL).extracting(WireType::type).doesNotHaveDuplicates();
        // Up to 125 an id takes one byte.
        assertThat(WireTypes.ALL).extracting(WireType::id).allMatch(id -> id >= 16 && id <= 125);
    }

    @Test
    void shouldWriteNothingThatIsNotRegistered() {
        for (Object stranger : List.of("text", 1, List.of(), new Object(), Map.of(), new int[0])) {
            assertThatThrownBy(() -> kryo.write(stranger)).isInstanceOf(ProtocolException.class);
        }
    }

    @Test
    void shouldReadOnlyTheTypeThatIsAskedFor() throws ProtocolException {
        byte[] ping = kryo.write(new Ping());

        assertThat(kryo.read(ping, Request.class)).isEqualTo(new Ping());
        assertThatThrownBy(() -> kryo.read(ping, Reply.class))
                .isInstanceOf(ProtocolException.class)
                .hasMessageContaining("Ping stands where Reply should");
    }

    @Test
    void shouldCarryTheLargestValues() throws ProtocolException {
        ContainerConfig.Builder config = ContainerConfig.builder();
        String path = ("/" + "x".repeat(250)).repeat(16);
        for (int i = 0; i < ContainerConfig.MAX_MOUNTS; i++) {
            config.mount(Mount.Bind.readOnly(path, path + "/m" + i));
        }
        List<SymbolicLink> links =
                IntStream.range(0, Symlink.MAX_LINKS)
                        .mapToObj(i -> new SymbolicLink(path + "/l" + i, path))
                        .toList();
        config.symbolicLinks(links);
        for (int i = 0; i < ContainerConfig.MAX_MASK_PATHS; i++) {
            config.maskPath(path + "/k" + i);
        }
        Map<String, Failure> errors = new LinkedHashMap<>();
        String flood = "x".repeat(5000);
        links.forEach(link ->
                errors.put(
                        link.link(),
                        Failure.ofErrno(Failure.Kind.SYSCALL, flood, flood, 1, flood, flood)));

        for (Object value :
                List.of(new Conf(config.build()), new Symlink(links), new Linked(errors))) {
            assertThat(kryo.read(kryo.write(value)).equals(value)).isTrue();
        }
    }

    @Test
    void shouldCarryARunWithTheLargestContentButNoMoreThanAMessageHolds() throws ProtocolException {
        Content largest = Content.of(new byte[(int) Content.MAX_INLINE.bytes()]);
        Program.Builder program = Program.of("cat").stream(0, new Stream.Input(largest));
        Run run = Run.of("largest", program.build());

        assertThat(kryo.read(kryo.write(run))).isEqualTo(run);

        for (int i = 0; i < 3; i++) {
            program.copyIn(CopyIn.File.of("f" + i, largest));
        }
        Run larger = Run.of("larger", program.build());
        assertThatThrownBy(() -> kryo.write(larger))
                .isInstanceOf(ProtocolException.class)
                .hasMessageContaining("cannot be written");
    }

    @Test
    void shouldWriteEqualMapsAsEqualBytes() throws ProtocolException {
        Program.Builder up = Program.of("x");
        Program.Builder down = Program.of("x");
        for (int i = 0; i < 20; i++) {
            up.stream(i, new Stream.Null());
            down.stream(19 - i, new Stream.Null());
        }

        assertThat(kryo.write(up.build())).isEqualTo(kryo.write(down.build()));
        assertThat(List.copyOf(up.build().streams().keySet())).isSorted();
    }

    @Test
    void shouldServeManyThreadsAtOnce() throws Exception {
        Callable<Boolean> work =
                () -> {
                    for (int round = 0; round < 50; round++) {
                        for (Object value : Samples.ALL.values()) {
                            if (!kryo.read(kryo.write(value)).equals(value)) {
                                return false;
                            }
                        }
                    }
                    return true;
                };
        try (ExecutorService threads = Executors.newFixedThreadPool(4)) {
            for (var result : threads.invokeAll(List.of(work, work, work, work))) {
                assertThat(result.get()).isTrue();
            }
        }
    }

    @Test
    void shouldKeepCommonMessagesSmall() throws ProtocolException {
        assertThat(kryo.write(new Ping())).hasSize(2);
        assertThat(kryo.write(Pong.of(ContainerState.IDLE))).hasSize(4);
        assertThat(kryo.write(new Credential(1000, 1000))).hasSize(6);
        assertThat(kryo.write(ByteSize.ZERO)).hasSize(3);
        assertThat(kryo.write(new MaskPath("/a"))).hasSize(5);
    }

    private static List<Class<?>> cases(Class<?> type) {
        if (!type.isSealed()) {
            assertThat(Modifier.isFinal(type.getModifiers())).isTrue();
            return List.of(type);
        }
        List<Class<?>> found = new ArrayList<>();
        for (Class<?> sub : type.getPermittedSubclasses()) {
            found.addAll(cases(sub));
        }
        return found;
    }
}
