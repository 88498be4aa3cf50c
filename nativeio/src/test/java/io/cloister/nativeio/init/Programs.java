// SPDX-License-Identifier: Apache-2.0
package io.cloister.nativeio.init;

import io.cloister.nativeio.libc.Linux;
import io.cloister.nativeio.libc.Sys;
import io.cloister.nativeio.program.Arg;
import io.cloister.nativeio.program.Data;
import io.cloister.nativeio.program.ProgramResult;
import io.cloister.nativeio.program.Step;
import io.cloister.nativeio.program.SyscallProgram;
import java.io.IOException;
import java.util.Arrays;
import java.util.List;

/** What tests have an init do. */
final class Programs {
    private Programs() {}

    /** Sends a program and waits for its reply. */
    static ProgramResult run(InitChannel channel, int serial, SyscallProgram program)
            throws IOException {
        channel.send(serial, program);
        return channel.receive();
    }

    /** Asks an init for its own process number. */
    static long getpid(InitChannel channel, int serial) throws IOException {
        SyscallProgram.Builder b = SyscallProgram.named("who are you");
        Step getpid = b.call("get", "pid", Sys.GETPID);
        ProgramResult result = run(channel, serial, b.build());
        if (result.serial() != serial) {
            throw new IOException("reply to " + result.serial() + " instead of " + serial);
        }
        return result.of(getpid);
    }

    /** Starts a program that goes on after the reply, which brings its pidfd. */
    static SyscallProgram start(String... command) {
        SyscallProgram.Builder b = SyscallProgram.named("start " + command[0]);
        Data pidfd = b.reserve(Long.BYTES);
        List<Data> words = Arrays.stream(command).map(b::string).toList();
        Data argv = b.pointers(words);
        Data envp = b.pointers(List.of());
        b.fork(
                "fork",
                command[0],
                Linux.CLONE_VM | Linux.CLONE_VFORK | Linux.CLONE_PIDFD,
                Linux.SIGCHLD,
                pidfd.address(),
                Arg.ZERO,
                () ->
                        b.call(
                                "execute",
                                command[0],
                                Sys.EXECVE,
                                words.get(0).address(),
                                argv.address(),
                                envp.address()));
        b.replyWithDescriptor(pidfd, pidfd);
        return b.build();
    }
}
