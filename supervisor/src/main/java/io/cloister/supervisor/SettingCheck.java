// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor;

/** The check that the records of settings share. */
public final class SettingCheck {
    private SettingCheck() {}

    /**
     * Refuses a setting unless {@code holds}.
     *
     * @param message that begins with the setting's whole name
     */
    public static void require(boolean holds, String message) {
        if (!holds) {
            throw new IllegalArgumentException(message);
        }
    }
}
