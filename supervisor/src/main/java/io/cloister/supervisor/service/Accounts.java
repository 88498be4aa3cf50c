// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.service;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * Ids of users and groups by name, from whichever databases the host has: getent(1), which asks
 * them as the C library does.
 */
enum Accounts {
    USERS("passwd", "user"),
    GROUPS("group", "group");

    private static final int NOT_FOUND = 2;
    private static final int ID_FIELD = 2;
    private static final int LIMIT_SECONDS = 10;

    private final String database;
    private final String what;

    Accounts(String database, String what) {
        this.database = database;
        this.what = what;
    }

    /**
     * Looks one up.
     *
     * @param name or the number itself
     * @throws IOException if there is none of this name, or it cannot be told
     */
    int id(String name) throws IOException {
        if (name.matches("[0-9]{1,9}")) {
            return Integer.parseInt(name);
        }
        Process process =
                new ProcessBuilder(List.of("getent", database, "--", name))
                        .redirectError(ProcessBuilder.Redirect.DISCARD)
                        .start();
        try {
            process.getOutputStream().close();
            String line =
                    new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            if (!process.waitFor(LIMIT_SECONDS, TimeUnit.SECONDS)) {
                throw new IOException(
                        "getent does not answer about the %s %s".formatted(what, name));
            }
            String[] fields = line.strip().split(":", -1);
            if (process.exitValue() == NOT_FOUND || fields.length <= ID_FIELD) {
                throw new IOException("there is no %s %s: create it".formatted(what, name));
            }
            return Integer.parseInt(fields[ID_FIELD]);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted", e);
        } finally {
            process.destroyForcibly();
        }
    }
}
