// SPDX-License-Identifier: Apache-2.0
package io.cloister.it.bench;

import io.cloister.protocol.container.ContainerConfig;
import io.cloister.protocol.container.MaskPath;
import io.cloister.protocol.container.Mount;
import io.cloister.protocol.container.SymbolicLink;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.Writer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** The other contender: baseline.c, which does by hand what a container does, and times itself. */
final class Baseline implements AutoCloseable {
    /** Ids for its containers, far from those that Cloister gives to its own. */
    private static final long IDS = 0x60000000L;

    private final Process process;
    private final Writer commands;
    private final BufferedReader answers;

    private Baseline(Process process) {
        this.process = process;
        this.commands = process.outputWriter(StandardCharsets.UTF_8);
        this.answers = process.inputReader(StandardCharsets.UTF_8);
    }

    /** Starts it with the configuration that Cloister's containers have. */
    static Baseline start(Path program, ContainerConfig config) throws IOException {
        List<String> command = new ArrayList<>(List.of(program.toString()));
        command.addAll(arguments(config));
        return new Baseline(
                new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT).start());
    }

    /** The configuration in the words of baseline.c, in the order in which conf carries it out. */
    static List<String> arguments(ContainerConfig config) {
        List<String> arguments = new ArrayList<>();
        for (Mount mount : config.mounts()) {
            switch (mount) {
                case Mount.Bind bind -> {
                    if (!bind.optional() || Files.exists(Path.of(bind.source()))) {
                        if (!bind.source().equals(bind.target()) || !bind.readOnly()) {
                            throw new IllegalArgumentException(
                                    "the C program cannot do the same: " + bind);
                        }
                        arguments.add((bind.devices() ? "device:" : "bind:") + bind.source());
                    }
                }
                case Mount.Tmpfs tmpfs ->
                        arguments.add(
                                "tmpfs:%s=size=%d,nr_inodes=%d,mode=%o,uid=%d,gid=%d"
                                        .formatted(
                                                tmpfs.target(),
                                                tmpfs.size().bytes(),
                                                tmpfs.inodes(),
                                                tmpfs.mode(),
                                                tmpfs.uid(),
                                                tmpfs.gid()));
                case Mount.Proc proc -> arguments.add("proc:" + proc.target());
            }
        }
        for (SymbolicLink link : config.symbolicLinks()) {
            arguments.add("link:" + link.link() + "=" + link.target());
        }
        for (MaskPath mask : config.maskPaths()) {
            arguments.add("mask:" + mask.path());
        }
        return arguments;
    }

    /** vfork, execve, wait4: nanoseconds. */
    long execute(String path) throws IOException {
        return time("exec " + path);
    }

    /** A container from nothing to configured: nanoseconds. */
    long create() throws IOException {
        return time("create " + IDS);
    }

    /** umount and mount of a tmpfs with that many files: nanoseconds. */
    long reset(int files) throws IOException {
        return time("reset " + files);
    }

    private long time(String command) throws IOException {
        commands.write(command + "\n");
        commands.flush();
        String answer = answers.readLine();
        if (answer == null) {
            throw new IOException("the C program ended at: " + command);
        }
        if (answer.startsWith("error")) {
            throw new IOException("the C program, " + command + ": " + answer);
        }
        return Long.parseLong(answer);
    }

    @Override
    public void close() throws IOException, InterruptedException {
        commands.close();
        if (!process.waitFor(10, TimeUnit.SECONDS)) {
            process.destroyForcibly();
        }
    }
}
