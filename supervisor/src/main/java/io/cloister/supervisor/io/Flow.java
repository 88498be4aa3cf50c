// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.io;

import java.io.IOException;

/** Something that the worker passes on for a program. */
public interface Flow {
    /** Whether the worker has nothing to do here until a program reads or writes. */
    boolean atRest() throws IOException;
}
