// SPDX-License-Identifier: Apache-2.0
package io.cloister.protocol.message;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.cloister.protocol.check.InvalidRequest;
import io.cloister.protocol.container.SymbolicLink;
import io.cloister.protocol.run.Limits;
import java.time.Duration;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(value = 20, unit = TimeUnit.SECONDS)
class MessageTest {
    private static final Failure FAILURE = Failure.of(Failure.Kind.NOT_FOUND, "no such file");

    @Test
    void shouldTakeArgvForTheExecutableUnlessTold() {
        assertThat(Execve.of("ls", "-l").build().executable())
                .isEqualTo(new Executable.OfPath("ls"));
        assertThat(Execve.of("sh").executable("/bin/dash").build().executable())
                .isEqualTo(new Executable.OfPath("/bin/dash"));
        assertThat(Execve.of("x").executableByDescriptor().build().executable())
                .isEqualTo(new Executable.OfDescriptor());
        Execve execve = Execve.of("ls").descriptors(2, 0, 1).controllingTerminal(0).build();
        assertThat(execve.toBuilder().build()).isEqualTo(execve);
    }

    @Test
    void shouldRefuseAnEmptyArgv() {
        assertRefused(() -> Execve.of().build());
        assertRefused(() -> Execve.of().executable("/bin/true").build());
    }

    @Test
    void shouldBoundArgvAndEnvironmentTogether() {
        int overhead = 9;
        int room = Execve.MAX_STRING_BYTES - 2 * overhead - 1;
        assertThat(Execve.of("x", "y".repeat(room)).build().arguments()).hasSize(2);
        assertRefused(() -> Execve.of("x", "y".repeat(room + 1)).build());
        assertRefused(() -> Execve.of("x", "y".repeat(room)).environment(List.of("A=")).build());
        assertRefused(() -> Execve.of(Collections.nCopies(20_000, "")).build());
        assertRefused(() -> Execve.of(Collections.nCopies(1_000_000, "")).build());
        assertThat(Execve.of("x", "y".repeat(40 * 1024)).build().arguments()).hasSize(2);
    }

    @Test
    void shouldTellNoEnvironmentFromAnEmptyOne() {
        assertThat(Execve.of("x").build().environment()).isEmpty();
        assertThat(Execve.of("x").environment(List.of()).build().environment()).contains(List.of());
    }

    @Test
    void shouldBoundDescriptors() {
        assertThat(Execve.of("x").descriptors(2, 0, 1).build().descriptors())
                .containsExactly(0, 1, 2);
        int[] most = IntStream.range(0, Execve.MAX_DESCRIPTORS).toArray();
        assertThat(Execve.of("x").descriptors(most).build().descriptors())
                .hasSize(Execve.MAX_DESCRIPTORS);
        assertRefused(() -> Execve.of("x").descriptors(IntStream.range(0, 300).toArray()).build());
        assertRefused(() -> Execve.of("x").descriptors(1, 1).build());
        assertRefused(() -> Execve.of("x").descriptors(-1).build());
        assertRefused(() -> Execve.of("x").descriptors(1024).build());
        assertRefused(() -> Execve.of("x").descriptors(0).controllingTerminal(1).build());
    }

    @Test
    void shouldBoundTheWallTime() {
        assertThat(Execve.of("x").wallTime(Duration.ofHours(24)).build().limits().wallTime())
                .isEqualTo(Limits.MAX_TIME);
        assertRefused(() -> Execve.of("x").wallTime(Duration.ZERO).build());
        assertRefused(() -> Execve.of("x").wallTime(Duration.ofMillis(-1)).build());
        assertRefused(() -> Execve.of("x").wallTime(Duration.ofHours(24).plusNanos(1)).build());
        assertRefused(() -> Execve.of("x").wallTime(Duration.ofSeconds(Long.MAX_VALUE)).build());
    }

    @Test
    void shouldRefuseTextTheKernelWouldCut() {
        assertRefused(() -> Execve.of("a\0b").build());
        assertRefused(() -> Execve.of("").build());
        assertRefused(() -> Execve.of("x").environment(List.of("A=\0")).build());
        assertRefused(() -> Execve.of("x").executable("a\0").build());
        assertRefused(() -> Execve.of("x").workDirectory("w").build());
        assertRefused(() -> Execve.of("x").executable("x".repeat(4096)).build());
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "Default", "a b", "../x", "-x", "a\0", "ä"})
    void shouldRefuseOddProfileNames(String name) {
        assertRefused(() -> new Seccomp(name));
    }

    @Test
    void shouldRefuseOpenModesThatContradictEachOther() {
        assertRefused(() -> OpenFile.read("/w/a").asExclusive());
        assertRefused(() -> OpenFile.read("/w/a").withParents());
        assertRefused(() -> OpenFile.create("/w/a", 0644).withAccess(Access.READ));
        assertRefused(() -> OpenFile.append("/w/a", 0644).withAccess(Access.READ));
        assertRefused(() -> OpenFile.create("/w/a", 010000));
        assertRefused(() -> OpenFile.create("/w/../a", 0644));
        assertThat(OpenFile.create("a", 0600).asExclusive().withParents().exclusive()).isTrue();
    }

    @Test
    void shouldRefuseEmptyOversizedAndDoubledBatches() {
        assertRefused(Open::of);
        assertRefused(Symlink::of);
        assertRefused(() -> Open.of(OpenFile.read("a"), OpenFile.create("a", 0644)));
        assertRefused(() -> Symlink.of(new SymbolicLink("/a", "x"), new SymbolicLink("/a", "y")));
        assertThat(new Open(files(300)).files()).hasSize(300);
        assertRefused(() -> new Open(files(Open.MAX_FILES + 1)));
        assertRefused(() ->
                new Symlink(
                        IntStream.rangeClosed(0, Symlink.MAX_LINKS)
                                .mapToObj(i -> new SymbolicLink("/" + i, "x"))
                                .toList()));
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "/", "..", "a/..", "a/"})
    void shouldRefuseToDeleteWhatIsNoPlaceInside(String path) {
        assertRefused(() -> new Delete(path, true));
    }

    @Test
    void shouldGiveTheAgeOfARunWhenThereIsOne() {
        assertThat(Pong.executing(Duration.ofMillis(5)).state())
                .isEqualTo(ContainerState.EXECUTING);
        assertRefused(() -> Pong.of(ContainerState.EXECUTING));
        assertRefused(() -> new Pong(ContainerState.IDLE, Optional.of(Duration.ZERO)));
        assertRefused(() -> Pong.executing(Duration.ofNanos(-1)));
    }

    @Test
    void shouldNotChangeWithTheMapItWasMadeOf() {
        Map<String, Failure> errors = new HashMap<>();
        errors.put("/a", FAILURE);
        Linked linked = new Linked(errors);
        errors.clear();

        assertThat(linked.errors()).containsOnlyKeys("/a");
        assertThatThrownBy(() -> linked.errors().clear())
                .isInstanceOf(UnsupportedOperationException.class);
    }

    @Test
    void shouldBoundReplies() {
        assertRefused(() -> new ResetDone(-1));
        assertRefused(() -> new ResetDone(257));
        assertRefused(() -> new Configured(List.of("A")));
        assertRefused(() -> new Configured(Collections.nCopies(3, "A=" + "x".repeat(65_536))));
        assertRefused(() -> new FileError("", FAILURE));
        assertRefused(() -> new Linked(Map.of("", FAILURE)));
    }

    @Test
    void shouldLetASwitchOverEachReplyBeComplete() {
        ExecveReply reply = FAILURE;
        String text =
                switch (reply) {
                    case ExecveResult result -> result.termination().toString();
                    case Failure failure -> failure.message();
                };
        assertThat(text).isEqualTo("no such file");
    }

    private static List<OpenFile> files(int count) {
        return IntStream.range(0, count).mapToObj(i -> OpenFile.read("/w/" + i)).toList();
    }

    private static void assertRefused(Runnable construction) {
        assertThatThrownBy(construction::run).isInstanceOf(InvalidRequest.class);
    }
}
