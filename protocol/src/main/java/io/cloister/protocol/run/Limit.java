// SPDX-License-Identifier: Apache-2.0
package io.cloister.protocol.run;

import io.cloister.protocol.unit.Coded;

/** What of a run can be limited; {@link Limits} has the values, docs/limits.md the meanings. */
public enum Limit implements Coded {
    WALL_TIME(0, "wall-time"),
    /** User and system time of the program and all that it starts. */
    CPU_TIME(1, "cpu-time"),
    MEMORY(2, "memory"),
    /** Bytes written to one collected stream. */
    OUTPUT(3, "output"),
    /** Length of a file. */
    FILE_SIZE(4, "file-size"),
    /** Processes and threads at a time. */
    PROCESSES(5, "processes"),
    STACK(6, "stack"),
    OPEN_FILES(7, "open-files"),
    ADDRESS_SPACE(8, "address-space"),
    DATA_SEGMENT(9, "data-segment"),
    /** Bytes in the container's writable file systems. */
    DISK_SIZE(10, "disk-size"),
    /** Files in the container's writable file systems. */
    DISK_FILES(11, "disk-files"),
    CPU_RATE(12, "cpu-rate"),
    CPU_SET(13, "cpu-set");

    private final int code;
    private final String text;

    Limit(int code, String text) {
        this.code = code;
        this.text = text;
    }

    @Override
    public int code() {
        return code;
    }

    /** The name in JSON and on the command line, for example {@code wall-time}. */
    public String text() {
        return text;
    }
}
