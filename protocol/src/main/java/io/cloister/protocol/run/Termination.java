// SPDX-License-Identifier: Apache-2.0
package io.cloister.protocol.run;

import io.cloister.protocol.check.Check;

/** How a program ended, as wait4(2) tells it. Who sent a signal, and why, is not in it. */
public sealed interface Termination {
    /** It called exit; 0 to 255. */
    record Exited(int code) implements Termination {
        public Exited {
            Check.range("exit code", code, 0, 255);
        }
    }

    /**
     * A signal ended it.
     *
     * @param signal its number, 1 to 64
     * @param signalName its name, for example {@code SIGSEGV}
     * @param coreDumped the kernel says that a core was dumped
     */
    record Signalled(int signal, String signalName, boolean coreDumped) implements Termination {
        public Signalled {
            Check.range("signal", signal, 1, 64);
            Check.filledText("name of a signal", signalName, 32);
        }
    }
}
