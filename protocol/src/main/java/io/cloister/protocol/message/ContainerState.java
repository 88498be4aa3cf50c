// SPDX-License-Identifier: Apache-2.0
package io.cloister.protocol.message;

import io.cloister.protocol.unit.Coded;

/** What a container is doing. */
public enum ContainerState implements Coded {
    /** Alive, waiting for conf. */
    UNCONFIGURED(0),
    /** Ready for a command. */
    IDLE(1),
    /** Running a program. */
    EXECUTING(2),
    /** Being destroyed. */
    CLOSING(3);

    private final int code;

    ContainerState(int code) {
        this.code = code;
    }

    @Override
    public int code() {
        return code;
    }
}
