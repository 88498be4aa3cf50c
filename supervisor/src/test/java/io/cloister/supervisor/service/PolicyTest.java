// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.service;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.cloister.protocol.check.InvalidRequest;
import io.cloister.protocol.container.Credential;
import io.cloister.protocol.message.Delete;
import io.cloister.protocol.message.Execve;
import io.cloister.protocol.message.Open;
import io.cloister.protocol.message.OpenFile;
import io.cloister.protocol.message.Ping;
import io.cloister.protocol.message.Request;
import io.cloister.protocol.message.Reset;
import io.cloister.protocol.message.Seccomp;
import io.cloister.protocol.run.Limits;
import io.cloister.protocol.run.Rlimits;
import io.cloister.protocol.unit.ByteSize;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.function.UnaryOperator;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class PolicyTest {
    private static final Credential CREDENTIAL = new Credential(1000, 1000);

    private static final Limits CEILINGS =
            Limits.builder()
                    .wallTime(Duration.ofSeconds(20))
                    .cpuTime(Duration.ofSeconds(10))
                    .memory(ByteSize.ofMiB(64))
                    .processes(8)
                    .fileSize(ByteSize.ofMiB(1))
                    .stack(ByteSize.ofMiB(8))
                    .openFiles(32)
                    .addressSpace(ByteSize.ofGiB(1))
                    .dataSegment(ByteSize.ofMiB(512))
                    .diskSize(ByteSize.ofMiB(16))
                    .diskFiles(100)
                    .cpuRate(500)
                    .build();

    private static final Policy POLICY = policy(CEILINGS);

    private static Policy policy(Limits ceilings) {
        return new Policy(ceilings, Set.of("default", "strict:log"), CREDENTIAL);
    }

    private static Execve asked(UnaryOperator<Limits.Builder> limits) {
        return Execve.of("/bin/true").limits(limits.apply(Limits.builder()).build()).build();
    }

    private static Limits admitted(UnaryOperator<Limits.Builder> limits) {
        return ((Execve) POLICY.admit(asked(limits))).limits();
    }

    private static void assertRefused(Request request, String... parts) {
        assertThatThrownBy(() -> POLICY.admit(request))
                .isInstanceOf(InvalidRequest.class)
                .hasMessageContainingAll(parts);
    }

    @Test
    void shouldLimitWhatARequestLeavesOpen() {
        assertThat(admitted(limits -> limits.wallTime(Duration.ofSeconds(20)))).isEqualTo(CEILINGS);
    }

    @Test
    void shouldLeaveWhatIsWithinTheLimits() {
        UnaryOperator<Limits.Builder> less =
                limits ->
                        limits.wallTime(Duration.ofSeconds(1))
                                .cpuTime(Duration.ofSeconds(1))
                                .memory(ByteSize.ofMiB(1))
                                .processes(1)
                                .fileSize(ByteSize.ofKiB(1))
                                .stack(ByteSize.ofMiB(1))
                                .openFiles(16)
                                .addressSpace(ByteSize.ofMiB(1))
                                .dataSegment(ByteSize.ofMiB(1))
                                .diskSize(ByteSize.ofMiB(1))
                                .diskFiles(1)
                                .cpuRate(100);
        Execve execve = asked(less);
        assertThat(POLICY.admit(execve)).isSameAs(execve);
    }

    @Test
    void shouldRefuseWhatIsBeyondALimitByItsName() {
        assertRefused(asked(all -> all.wallTime(Duration.ofSeconds(21))), "wall time", "PT20S");
        assertRefused(asked(all -> all.cpuTime(Duration.ofSeconds(11))), "CPU time");
        assertRefused(asked(all -> all.memory(ByteSize.ofMiB(65))), "memory", "64MiB");
        assertRefused(asked(all -> all.processes(9)), "processes", "8");
        assertRefused(asked(all -> all.fileSize(ByteSize.ofMiB(2))), "file size");
        assertRefused(asked(all -> all.stack(ByteSize.ofMiB(9))), "stack");
        assertRefused(asked(all -> all.openFiles(33)), "open files");
        assertRefused(asked(all -> all.addressSpace(ByteSize.ofGiB(2))), "address space");
        assertRefused(asked(all -> all.dataSegment(ByteSize.ofGiB(1))), "data segment");
        assertRefused(asked(all -> all.diskSize(ByteSize.ofMiB(17))), "disk size");
        assertRefused(asked(all -> all.diskFiles(101)), "files on disk");
        assertRefused(asked(all -> all.cpuRate(501)), "CPU rate");
    }

    @Test
    void shouldNotLimitWhatTheProfileLeavesOpen() {
        Policy open = policy(Limits.builder().wallTime(Duration.ofSeconds(20)).build());
        Execve execve = asked(limits -> limits.memory(ByteSize.ofGiB(100)));
        assertThat(open.admit(execve)).isSameAs(execve);
    }

    @Test
    void shouldNotRaiseTheRequestsOwnResourceLimits() {
        Rlimits less =
                Rlimits.builder()
                        .cpuTime(Duration.ofSeconds(2))
                        .fileSize(ByteSize.ofKiB(4))
                        .stack(ByteSize.ofMiB(64)) // more than the profile allows
                        .openFiles(20)
                        .build();
        Execve execve = Execve.of("/bin/true").rlimits(less).build();
        Limits limits = ((Execve) POLICY.admit(execve)).limits();
        assertThat(limits.cpuTime()).contains(Duration.ofSeconds(2));
        assertThat(limits.fileSize()).contains(ByteSize.ofKiB(4));
        assertThat(limits.stack()).contains(ByteSize.ofMiB(8));
        assertThat(limits.openFiles()).hasValue(20);
    }

    @Test
    void shouldAllowLessOnlyWhereBothDo() {
        assertThat(admitted(limits -> limits.allowLess(true)).allowLess()).isFalse();
        Policy lax = policy(CEILINGS.toBuilder().allowLess(true).build());
        assertThat(
                        ((Execve) lax.admit(asked(limits -> limits.allowLess(true))))
                                .limits()
                                .allowLess())
                .isTrue();
        assertThat(((Execve) lax.admit(asked(limits -> limits))).limits().allowLess()).isFalse();
    }

    @ParameterizedTest
    @ValueSource(strings = {"default", "default/1", "default/2", "strict:log", "strict/1:log"})
    void shouldAllowTheSeccompProfilesThatAreNamed(String profile) {
        Execve execve = Execve.of("/bin/true").seccomp(new Seccomp(profile)).build();
        assertThat(((Execve) POLICY.admit(execve)).seccomp()).isEqualTo(execve.seccomp());
    }

    @ParameterizedTest
    @ValueSource(strings = {"none", "strict", "strict/1", "default:log", "default/2:log", "other"})
    void shouldRefuseOtherSeccompProfiles(String profile) {
        assertRefused(
                Execve.of("/bin/true").seccomp(new Seccomp(profile)).build(),
                profile,
                "default",
                "strict:log");
    }

    @Test
    void shouldRunProgramsAsTheProfilesUser() {
        assertThat(POLICY.admit(Execve.of("/bin/true").credential(CREDENTIAL).build()))
                .isInstanceOf(Execve.class);
        assertRefused(
                Execve.of("/bin/true").credential(new Credential(1000, 1)).build(),
                "user 1000, group 1000");
    }

    @Test
    void shouldChooseTheCores() {
        assertRefused(asked(limits -> limits.cpuSet("0")), "cores");
    }

    @Test
    void shouldOpenNoMoreFilesThanDescriptorsFitAFrame() {
        List<OpenFile> files =
                IntStream.range(0, 254).mapToObj(i -> OpenFile.read("f" + i)).toList();
        Open most = new Open(files.subList(0, 253));
        assertThat(POLICY.admit(most)).isSameAs(most);
        assertRefused(new Open(files), "files to open", "253");
    }

    @Test
    void shouldLeaveOtherRequestsAsTheyAre() {
        for (Request request : List.of(new Ping(), new Reset(), new Delete("/w/x", true))) {
            assertThat(POLICY.admit(request)).isSameAs(request);
        }
    }
}
