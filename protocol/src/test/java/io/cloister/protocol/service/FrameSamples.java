// SPDX-License-Identifier: Apache-2.0
package io.cloister.protocol.service;

import io.cloister.protocol.container.Credential;
import io.cloister.protocol.container.SymbolicLink;
import io.cloister.protocol.message.Configured;
import io.cloister.protocol.message.ContainerState;
import io.cloister.protocol.message.Delete;
import io.cloister.protocol.message.Deleted;
import io.cloister.protocol.message.Execve;
import io.cloister.protocol.message.ExecveResult;
import io.cloister.protocol.message.Failure;
import io.cloister.protocol.message.Linked;
import io.cloister.protocol.message.Open;
import io.cloister.protocol.message.OpenFile;
import io.cloister.protocol.message.Ping;
import io.cloister.protocol.message.Pong;
import io.cloister.protocol.message.Reset;
import io.cloister.protocol.message.ResetDone;
import io.cloister.protocol.message.Seccomp;
import io.cloister.protocol.message.Standstill;
import io.cloister.protocol.message.Symlink;
import io.cloister.protocol.run.Enforced;
import io.cloister.protocol.run.Evidence;
import io.cloister.protocol.run.Limit;
import io.cloister.protocol.run.Limits;
import io.cloister.protocol.run.Mechanism;
import io.cloister.protocol.run.MemorySource;
import io.cloister.protocol.run.Resource;
import io.cloister.protocol.run.Rlimit;
import io.cloister.protocol.run.Rlimits;
import io.cloister.protocol.run.Termination;
import io.cloister.protocol.run.Usage;
import io.cloister.protocol.unit.ByteSize;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * Frames of every class, with each request and reply in one, by name; each has a line in
 * golden-bytes-VERSION.txt.
 *
 * <p>They are written out in full, with no defaults of the product in them, so that a new default
 * changes no golden bytes.
 */
final class FrameSamples {
    static final Map<String, Frame> ALL = new LinkedHashMap<>();

    private static final Failure FAILURE =
            Failure.ofErrno(
                    Failure.Kind.SYSCALL, "open in", "/w/in", 13, "EACCES", "Permission denied");

    static {
        put("hello", new ClientFrame.Hello(2, 255, "judge-2"));
        put("call-ping", new ClientFrame.Call(1, new Ping()));
        put(
                "call-open",
                new ClientFrame.Call(
                        2, Open.of(OpenFile.read("/w/in"), OpenFile.create("out", 0600))));
        put("call-symlink", new ClientFrame.Call(3, Symlink.of(new SymbolicLink("/w/a", "../b"))));
        put("call-delete", new ClientFrame.Call(4, new Delete("/w/a", true)));
        put("call-reset", new ClientFrame.Call(5, new Reset()));
        put(
                "call-execve-least",
                new ClientFrame.Call(
                        128,
                        Execve.of("true")
                                .rlimits(Rlimits.none())
                                .seccomp(Seccomp.NONE)
                                .limits(Limits.builder().wallTime(Duration.ofSeconds(2)).build())
                                .build()));
        put(
                "call-execve-most",
                new ClientFrame.Call(
                        Integer.MAX_VALUE,
                        Execve.of("a.out", "", "😀")
                                .executableByDescriptor()
                                .environment(List.of("A=1", "B="))
                                .descriptors(0, 1, 2, 1023)
                                .workDirectory("/w")
                                .controllingTerminal(1023)
                                .rlimits(
                                        Rlimits.builder()
                                                .limit(
                                                        new Rlimit(
                                                                Resource.RLIMIT_NOFILE,
                                                                64,
                                                                Rlimit.INFINITY))
                                                .build())
                                .seccomp(new Seccomp("strict"))
                                .credential(new Credential(65_535, 1))
                                .limits(
                                        Limits.builder()
                                                .wallTime(Duration.ofSeconds(3))
                                                .cpuTime(Duration.ofMillis(1500))
                                                .memory(ByteSize.ofMiB(64))
                                                .processes(16)
                                                .cpuSet("0-1,3")
                                                .allowLess(true)
                                                .build())
                                .announceStart(true)
                                .build()));
        put("proceed", new ClientFrame.Proceed(127));
        put("kill", new ClientFrame.Kill(16_384));
        put("look", new ClientFrame.Look(8));
        put(
                "welcome",
                new ServiceFrame.Welcome(
                        2, 4321, new Configured(List.of("PATH=/usr/bin", "E=")), "/w", 16));
        put("refused", new ServiceFrame.Refused(FAILURE));
        put("announced", new ServiceFrame.Announced(7, 4_194_303));
        put("answer-ping", new ServiceFrame.Answer(1, Pong.of(ContainerState.IDLE)));
        put("answer-linked", new ServiceFrame.Answer(3, new Linked(Map.of("/w/a", FAILURE))));
        put("answer-deleted", new ServiceFrame.Answer(4, new Deleted()));
        put("answer-reset-done", new ServiceFrame.Answer(5, new ResetDone(2)));
        put("answer-failure", new ServiceFrame.Answer(6, FAILURE));
        put(
                "answer-execve-result",
                new ServiceFrame.Answer(
                        7,
                        new ExecveResult(
                                new Termination.Signalled(9, "SIGKILL", false),
                                new Usage(
                                        Duration.ofMillis(1600),
                                        Duration.ofMillis(1500),
                                        Duration.ofNanos(20_000),
                                        ByteSize.ofMiB(2),
                                        MemorySource.CGROUP_V2_PEAK,
                                        ByteSize.ofKiB(1300),
                                        OptionalInt.of(3)),
                                Duration.ofSeconds(2),
                                Duration.ofNanos(400_000),
                                Optional.of(Limit.WALL_TIME),
                                true,
                                List.of(new Enforced(Limit.WALL_TIME, Mechanism.INIT)),
                                new Evidence(1, 2, Optional.of("ptrace"), List.of("bpf"), true))));
        put(
                "opened-files",
                new ServiceFrame.OpenedFiles(2, List.of("out", "ä"), Map.of("/w/in", FAILURE)));
        put("opened-files-none", new ServiceFrame.OpenedFiles(2, List.of(), Map.of()));
        put("looked-none", new ServiceFrame.Looked(8, Optional.empty()));
        put(
                "looked-standstill",
                new ServiceFrame.Looked(8, Optional.of(new Standstill(true, Long.MIN_VALUE))));
    }

    private FrameSamples() {}

    private static void put(String name, Frame frame) {
        if (ALL.put(name, frame) != null) {
            throw new IllegalArgumentException("two samples are called " + name);
        }
    }
}
