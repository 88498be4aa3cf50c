// SPDX-License-Identifier: Apache-2.0
package io.cloister.nativeio.cgroup;

import io.cloister.nativeio.fd.PidFd;
import io.cloister.nativeio.fd.SystemCallException;
import io.cloister.nativeio.libc.Errno;
import io.cloister.nativeio.libc.LibC;
import io.cloister.nativeio.libc.Linux;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/** What can be done to a group as a directory. */
final class Groups {
    static final String PROCS = "cgroup.procs";

    /** How long the kernel may take to let go of a group whose processes are dead. */
    static final Duration REMOVAL_LIMIT = Duration.ofSeconds(2);

    private static final int MODE = 0755;
    private static final long LONGEST_PAUSE_MILLIS = 32;

    private Groups() {}

    static void make(Path group) throws IOException {
        if (LibC.mkdir(group.toString(), MODE) == -1) {
            throw new SystemCallException("mkdir", group.toString(), LibC.errno());
        }
    }

    /** The groups directly below one. */
    static List<Path> children(Path group) throws IOException {
        List<Path> children = new ArrayList<>();
        try (DirectoryStream<Path> entries =
                Files.newDirectoryStream(
                        group, entry -> Files.isDirectory(entry, LinkOption.NOFOLLOW_LINKS))) {
            entries.forEach(children::add);
        }
        return children;
    }

    /**
     * The processes in a group itself, by their numbers in this PID namespace; 0 stands for one
     * that this namespace does not have.
     */
    static List<Integer> processes(Path group) throws IOException {
        return CgroupFile.read(group, PROCS).lines().map(Integer::valueOf).toList();
    }

    /**
     * Removes a group with all below it, and what runs in them. Waits for the kernel to let go, at
     * most {@link #REMOVAL_LIMIT}; one that is not there is as good as removed.
     *
     * @throws IOException naming what is still there
     */
    static void remove(Path group) throws IOException {
        long deadline = System.nanoTime() + REMOVAL_LIMIT.toNanos();
        for (long pause = 1; !isRemoved(group); pause = Math.min(2 * pause, LONGEST_PAUSE_MILLIS)) {
            if (System.nanoTime() - deadline > 0) {
                throw new IOException(
                        "%s could not be removed within %d s: the kernel is not done with what ran in it"
                                .formatted(group, REMOVAL_LIMIT.toSeconds()));
            }
            kill(group);
            sleep(pause);
        }
    }

    /** Tries to remove a group with all below it. */
    static boolean isRemoved(Path group) throws IOException {
        if (LibC.rmdir(group.toString()) == 0) {
            return true;
        }
        Errno errno = LibC.errno();
        if (errno.equals(Errno.ENOENT)) {
            return true;
        }
        if (!errno.equals(Errno.EBUSY) && !errno.equals(Errno.ENOTEMPTY)) {
            throw new SystemCallException("rmdir", group.toString(), errno);
        }
        try {
            boolean bare = true;
            List<Path> children = children(group);
            for (Path child : children) {
                bare &= isRemoved(child);
            }
            return !children.isEmpty() && bare && LibC.rmdir(group.toString()) == 0;
        } catch (NoSuchFileException e) {
            return true;
        }
    }

    /** Kills all processes in a group and below it. */
    private static void kill(Path group) throws IOException {
        try {
            if (Files.exists(group.resolve("cgroup.kill"))) { // version 2, Linux 5.14
                CgroupFile.write(group, "cgroup.kill", "1");
                return;
            }
            for (Path child : children(group)) {
                kill(child);
            }
            for (int pid : processes(group)) {
                killMember(group, pid);
            }
        } catch (NoSuchFileException e) {
            // the group is gone, and with it what was in it
        } catch (SystemCallException e) {
            if (!e.errno().equals(Errno.ENOENT) && !e.errno().equals(Errno.ENODEV)) {
                throw e;
            }
        }
    }

    /**
     * Kills a process if it is a member of the group still when nobody else can have its number.
     */
    private static void killMember(Path group, int pid) throws IOException {
        if (pid == 0) {
            throw new IOException(
                    group
                            + " has a process of another PID namespace, which cannot be killed from here");
        }
        try (PidFd process = PidFd.open(pid)) {
            if (processes(group).contains(pid)) {
                process.signal(Linux.SIGKILL);
            }
        } catch (SystemCallException e) {
            if (!e.errno().equals(Errno.ESRCH) && !e.errno().equals(Errno.EINVAL)) {
                throw e;
            }
        }
    }

    private static void sleep(long millis) throws IOException {
        try {
            Thread.sleep(millis);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new InterruptedIOException("interrupted while removing a control group");
        }
    }
}
