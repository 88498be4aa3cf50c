// SPDX-License-Identifier: Apache-2.0
package io.cloister.nativeio.init;

import io.cloister.nativeio.fd.Fd;
import io.cloister.nativeio.libc.Linux;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Optional;

/**
 * How ready the kernel is to kill a process when memory runs out: oom_score_adj of proc(5). init
 * raises its own for as long as it forks a program, which keeps what it inherits.
 *
 * @param file of init's score, to be written
 * @param own init's score, a decimal number
 */
public record OomScore(Fd file, String own) implements AutoCloseable {
    /** Killed before any other process of the host. */
    public static final String HIGHEST = "1000";

    private static final int MAX_TEXT = 16;

    /** That of a process; empty where the kernel refuses or where it cannot be raised. */
    static Optional<OomScore> open(int pid) {
        try {
            Fd file = Fd.open("/proc/" + pid + "/oom_score_adj", Linux.O_RDWR, 0);
            try {
                byte[] text = new byte[MAX_TEXT];
                int length = file.readAt(0, text);
                String own = new String(text, 0, length, StandardCharsets.US_ASCII).strip();
                if (!own.equals(HIGHEST)) {
                    return Optional.of(new OomScore(file, own));
                }
                file.close();
                return Optional.empty();
            } catch (IOException | RuntimeException e) {
                file.close();
                throw e;
            }
        } catch (IOException e) {
            return Optional.empty();
        }
    }

    @Override
    public void close() {
        file.close();
    }
}
