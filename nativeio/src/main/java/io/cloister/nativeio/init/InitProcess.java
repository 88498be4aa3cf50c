// SPDX-License-Identifier: Apache-2.0
package io.cloister.nativeio.init;

import io.cloister.nativeio.fd.Fd;
import io.cloister.nativeio.fd.PidFd;
import io.cloister.nativeio.libc.Linux;
import java.io.IOException;
import java.time.Duration;
import java.util.Optional;

/**
 * A fresh init in namespaces of its own, and the worker's hold on it.
 *
 * @param channel its socket
 * @param pidfd the process
 * @param pid its number on the host, for messages
 * @param ids which ids of the host the container's are
 * @param oomScore absent where the kernel does not let the worker change it
 */
public record InitProcess(
        InitChannel channel, PidFd pidfd, int pid, IdMap ids, Optional<OomScore> oomScore)
        implements AutoCloseable {

    /** Kills it, and with it every process in its PID namespace; does not wait. */
    public void kill() throws IOException {
        pidfd.signal(Linux.SIGKILL);
    }

    /** Waits until it and all in its PID namespace are gone; false when they are not by then. */
    public boolean awaitExit(Duration limit) throws IOException {
        return pidfd.awaitExit(limit);
    }

    /** Kills it and gives up the descriptors. */
    @Override
    public void close() throws IOException {
        if (pidfd.fd().isOpen()) {
            kill();
        }
        channel.close();
        pidfd.close();
        oomScore.ifPresent(OomScore::close);
    }

    /** Writes the maps of its user namespace: user_namespaces(7). */
    static void writeIdMaps(int pid, PidFd pidfd, IdMap ids) throws IOException {
        String proc = "/proc/" + pid + "/";
        try (Fd uidMap = Fd.open(proc + "uid_map", Linux.O_WRONLY, 0);
                Fd gidMap = Fd.open(proc + "gid_map", Linux.O_WRONLY, 0)) {
            if (pidfd.hasExited()) { // the number may be another's by now
                throw new IOException("init " + pid + " ended before its ids were mapped");
            }
            if (ids.isSingle()) {
                try (Fd setgroups = Fd.open(proc + "setgroups", Linux.O_WRONLY, 0)) {
                    setgroups.write(ascii("deny"));
                }
            }
            uidMap.write(ascii("0 " + ids.hostUid() + " " + ids.size()));
            gidMap.write(ascii("0 " + ids.hostGid() + " " + ids.size()));
        }
    }

    private static byte[] ascii(String text) {
        return text.getBytes(java.nio.charset.StandardCharsets.US_ASCII);
    }
}
