// SPDX-License-Identifier: Apache-2.0
package io.cloister.protocol.message;

import io.cloister.protocol.unit.Coded;

/** What a file is opened for, see open(2). */
public enum Access implements Coded {
    READ(0),
    WRITE(1),
    READ_WRITE(2);

    private final int code;

    Access(int code) {
        this.code = code;
    }

    @Override
    public int code() {
        return code;
    }

    public boolean writes() {
        return this != READ;
    }
}
