// SPDX-License-Identifier: Apache-2.0
package io.cloister.nativeio.init;

import io.cloister.nativeio.fd.PidFd;
import io.cloister.nativeio.libc.LibC;
import io.cloister.nativeio.libc.Linux;
import io.cloister.nativeio.program.ProgramResult;
import io.cloister.nativeio.testkit.OpenDescriptors;
import io.cloister.nativeio.testkit.ProcStatus;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;

/**
 * What an ordinary user does with a zygote; {@link RootlessTest} runs it in a JVM of such a user.
 * Prints a line for each thing that held and ends with status 0, or throws.
 */
public final class RootlessMain {
    private static final Duration DEADLINE = Duration.ofSeconds(20);

    private RootlessMain() {}

    public static void main(String[] args) throws Exception {
        must(LibC.geteuid() != 0, "an ordinary user");
        IdMap own = IdMap.single(LibC.geteuid(), LibC.getegid());
        try (Zygote zygote = Zygote.start()) {
            fork(zygote, own);
            refuseARange(zygote);
            fork(zygote, own); // usable still
            run(zygote, own);
            leakNothing(zygote, own);
        }
        System.out.println("done");
    }

    private static void fork(Zygote zygote, IdMap own) throws IOException {
        try (InitProcess init = zygote.fork(own)) {
            must(Programs.getpid(init.channel(), 1) == 1, "PID 1 of its own namespace");
            String map = Files.readString(Path.of("/proc/" + init.pid() + "/uid_map")).trim();
            must(map.split(" +")[1].equals(Integer.toString(own.hostUid())), "mapped to itself");
            must(
                    Files.readString(Path.of("/proc/" + init.pid() + "/setgroups"))
                            .trim()
                            .equals("deny"),
                    "setgroups denied");
            must(ProcStatus.signals(init.pid(), "SigIgn") == 0, "nothing ignored");
            must(ProcStatus.signals(init.pid(), "SigBlk") == 0, "nothing blocked");
            must(OpenDescriptors.of(init.pid()).keySet().size() == 4, "four descriptors");
        }
    }

    private static void refuseARange(Zygote zygote) throws IOException {
        try (InitProcess init = zygote.fork(IdMap.range(1_000_000))) {
            throw new AssertionError("an ordinary user mapped a range for " + init.pid());
        } catch (IOException e) {
            must(e.getMessage().contains("EPERM"), "no range of ids: " + e.getMessage());
        }
        must(zygote.isAlive(), "the zygote lives on");
    }

    private static void run(Zygote zygote, IdMap own) throws IOException {
        try (InitProcess init = zygote.fork(own)) {
            ProgramResult started =
                    Programs.run(init.channel(), 1, Programs.start("/bin/sleep", "1000"));
            try (PidFd sleep = new PidFd(started.descriptors().get(0))) {
                must(!sleep.hasExited(), "a program runs");
                init.channel().close();
                must(sleep.awaitExit(DEADLINE), "and ends with the socket");
            }
            must(init.awaitExit(DEADLINE), "and init with it");
        }
    }

    private static void leakNothing(Zygote zygote, IdMap own) throws IOException {
        Map<Integer, String> before = OpenDescriptors.own();
        for (int i = 0; i < 10; i++) {
            zygote.fork(own).close();
        }
        Map<Integer, String> after = OpenDescriptors.own();
        must(before.size() == after.size(), "no descriptor lost: " + before + after);
        LibC.kill(zygote.pid(), Linux.SIGKILL);
        try {
            for (int i = 0; i < 2; i++) {
                zygote.fork(own).close();
            }
            throw new AssertionError("a dead zygote forked");
        } catch (IOException e) {
            must(true, "a killed zygote says so: " + e.getMessage());
        }
    }

    private static void must(boolean condition, String what) {
        if (!condition) {
            throw new AssertionError("not so: " + what);
        }
        System.out.println("ok: " + what);
    }
}
