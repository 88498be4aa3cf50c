// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.handler;

import io.cloister.nativeio.fd.Fd;
import io.cloister.nativeio.libc.Linux;
import io.cloister.nativeio.libc.Sys;
import io.cloister.nativeio.program.Arg;
import io.cloister.nativeio.program.BadReplyException;
import io.cloister.nativeio.program.Data;
import io.cloister.nativeio.program.ProcessStructs;
import io.cloister.nativeio.program.ProgramResult;
import io.cloister.nativeio.program.Step;
import io.cloister.nativeio.program.SyscallFailure;
import io.cloister.nativeio.program.SyscallProgram;
import io.cloister.protocol.message.Failure;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * The operator's command that completes a container, with container root's capabilities: bringing
 * up a network interface, say. Its output matters only when it fails.
 */
record InitCommand(SyscallProgram program, String command, Data answer, Step read) {
    private static final int OUTPUT_LIMIT = 1024;

    /**
     * The program that runs it, waits for its end and leaves no process of it behind.
     *
     * @param command its path and arguments
     * @param output an empty file for what it prints
     */
    static InitCommand of(List<String> command, List<String> environment, Fd output) {
        SyscallProgram.Builder b = SyscallProgram.named("init command");
        Data path = b.string(command.getFirst());
        Data argv = b.pointers(command.stream().map(b::string).toList());
        Data envp = b.pointers(environment.stream().map(b::string).toList());
        Arg out = b.descriptor(output);
        Data status = b.reserve(Long.BYTES);
        Data text = b.reserve(OUTPUT_LIMIT);
        Data poll = b.reserve(2 * Linux.pollfd_SIZE);
        Data answer = new Data(status.at(), status.size() + text.size(), null);
        String subject = String.join(" ", command);
        Step fork =
                b.fork(
                        "run init command",
                        subject,
                        Integer.toUnsignedLong(
                                Linux.CLONE_VM | Linux.CLONE_VFORK | Linux.CLONE_PIDFD),
                        Linux.SIGCHLD,
                        poll.address(),
                        Arg.ZERO,
                        () -> {
                            for (int fd = 1; fd <= 2; fd++) {
                                b.call("redirect", "output", Sys.DUP3, out, Arg.of(fd), Arg.ZERO);
                            }
                            b.call(
                                    "run init command",
                                    subject,
                                    Sys.EXECVE,
                                    path.address(),
                                    argv.address(),
                                    envp.address());
                        });
        // not wait4(2), which would be deaf to the end of the worker and wait for ever
        ProcessStructs.putPollFd(b, poll, 0, 0, Linux.POLLIN);
        ProcessStructs.putPollFd(b, poll, 1, Linux.SOCK, Linux.POLLIN);
        b.call(
                "wait for",
                "init command",
                Sys.PPOLL,
                poll.address(),
                Arg.of(2),
                Arg.ZERO,
                Arg.ZERO,
                Arg.of(Long.BYTES));
        Processes.killAll(b);
        b.call(
                        "reap",
                        "init command",
                        Sys.WAIT4,
                        fork.result(),
                        status.address(),
                        Arg.of(Linux.__WALL),
                        Arg.ZERO)
                .always();
        Processes.reapAll(b);
        Step read =
                b.call(
                                "read",
                                "its output",
                                Sys.PREAD64,
                                out,
                                text.address(),
                                Arg.of(text.size()),
                                Arg.ZERO)
                        .always();
        b.reply(answer).always();
        return new InitCommand(b.build(), subject, answer, read);
    }

    /** Why it failed, if it did. */
    Optional<Failure> failure(ProgramResult result) throws BadReplyException {
        Optional<SyscallFailure> failure = result.failure(program);
        if (failure.isPresent()) {
            return failure.map(Failures::of);
        }
        ByteBuffer bytes = result.bytes(program, answer);
        int status = bytes.getInt(0);
        if (status == 0) {
            return Optional.empty();
        }
        byte[] words = new byte[Math.clamp(result.of(read), 0, OUTPUT_LIMIT)];
        bytes.get(Long.BYTES, words);
        return Optional.of(failed(command, status, words));
    }

    private static Failure failed(String command, int status, byte[] output) {
        String end =
                WaitStatus.exited(status)
                        ? "exit code " + WaitStatus.exitCode(status)
                        : "signal " + WaitStatus.signal(status);
        return new Failure(
                Failure.Kind.SYSCALL,
                "run init command",
                command,
                OptionalInt.empty(),
                "",
                "the init command ended with "
                        + end
                        + ": "
                        + new String(output, StandardCharsets.UTF_8).strip());
    }
}
