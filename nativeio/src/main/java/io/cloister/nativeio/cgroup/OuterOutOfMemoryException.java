// SPDX-License-Identifier: Apache-2.0
package io.cloister.nativeio.cgroup;

import java.io.IOException;

/**
 * Processes of a run were killed for want of memory, though not because of the run's own limit: the
 * machine, or a group around the worker's, had none left. That says nothing about the program.
 */
final class OuterOutOfMemoryException extends IOException {
    private static final long serialVersionUID = 1L;

    OuterOutOfMemoryException(long kills) {
        super(
                ("the kernel killed %d processes of the run for want of memory, but not because of"
                                + " its limit: give the machine, or the group that the worker is"
                                + " in, more memory, or run fewer containers at once")
                        .formatted(kills));
    }
}
