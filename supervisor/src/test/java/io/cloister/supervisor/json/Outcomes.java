// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.json;

import io.cloister.protocol.message.Failure;
import io.cloister.protocol.run.Content;
import io.cloister.protocol.run.Enforced;
import io.cloister.protocol.run.Evidence;
import io.cloister.protocol.run.Limit;
import io.cloister.protocol.run.Mechanism;
import io.cloister.protocol.run.MemorySource;
import io.cloister.protocol.run.Output;
import io.cloister.protocol.run.ProgramOutcome;
import io.cloister.protocol.run.RunResult;
import io.cloister.protocol.run.Status;
import io.cloister.protocol.run.Termination;
import io.cloister.protocol.run.Usage;
import io.cloister.protocol.unit.ByteSize;
import io.cloister.protocol.unit.Bytes;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;

/** Results for tests. */
final class Outcomes {
    static final String ID = "0123456789abcdef".repeat(4);
    static final Bytes TEXT = Bytes.ofUtf8("a\u0000\n\"\\é😀");
    static final Bytes NO_TEXT = Bytes.wrap(new byte[] {(byte) 0xFF, 0});

    private Outcomes() {}

    static ProgramOutcome exited(int code, Map<Integer, Output> outputs) {
        return outcome(
                Status.NONZERO_EXIT,
                Optional.empty(),
                new Termination.Exited(code),
                Optional.empty(),
                outputs,
                Evidence.none());
    }

    static ProgramOutcome outcome(
            Status status,
            Optional<Failure> failure,
            Termination termination,
            Optional<Limit> limit,
            Map<Integer, Output> outputs,
            Evidence evidence) {
        return new ProgramOutcome(
                status,
                failure,
                Optional.of(termination),
                limit,
                new Usage(
                        Duration.ofMillis(1600),
                        Duration.ofMillis(1500),
                        Duration.ofNanos(1),
                        ByteSize.ofMiB(2),
                        MemorySource.CGROUP_V1_MAX_USAGE,
                        ByteSize.ofKiB(1300),
                        OptionalInt.of(3)),
                Duration.ofMillis(1700),
                Duration.ofNanos(400_000),
                outputs,
                Map.of(
                        "b.bin", new Content.Inline(NO_TEXT),
                        "a.txt", new Content.Inline(TEXT),
                        "big", new Content.Stored(ID)),
                List.of(
                        new Enforced(Limit.CPU_TIME, Mechanism.INIT_CGROUP_V1),
                        new Enforced(Limit.WALL_TIME, Mechanism.INIT),
                        new Enforced(Limit.CPU_TIME, Mechanism.RLIMIT)),
                evidence);
    }

    /** Programs whose results have every field there is. */
    static RunResult everything() {
        Failure failure =
                Failure.ofErrno(Failure.Kind.NOT_FOUND, "copy out", "/w/out", 2, "ENOENT", "gone");
        return new RunResult(
                "1",
                List.of(
                        exited(
                                3,
                                Map.of(
                                        1, new Output(TEXT, false),
                                        2, new Output(NO_TEXT, true),
                                        10, new Output(Bytes.EMPTY, false),
                                        9, new Output(TEXT, true))),
                        outcome(
                                Status.DISALLOWED_SYSCALL,
                                Optional.of(failure),
                                new Termination.Signalled(31, "SIGSYS", true),
                                Optional.of(Limit.PROCESSES),
                                Map.of(),
                                new Evidence(1, 2, Optional.of("ptrace"), List.of("bpf"), true)),
                        ProgramOutcome.notRun(
                                Status.INTERNAL_ERROR,
                                Failure.of(Failure.Kind.UNAVAILABLE, "none is free"))),
                Map.of(0, TEXT, 1, NO_TEXT));
    }
}
