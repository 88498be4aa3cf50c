// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.handler;

import io.cloister.nativeio.libc.Linux;
import java.util.HashMap;
import java.util.Map;

/** Names of signals: signal(7). */
public final class Signals {
    private static final Map<Integer, String> NAMES = new HashMap<>();

    static {
        for (String name :
                ("SIGHUP SIGINT SIGQUIT SIGILL SIGTRAP SIGABRT SIGBUS SIGFPE SIGKILL SIGUSR1 SIGSEGV"
                                + " SIGUSR2 SIGPIPE SIGALRM SIGTERM SIGSTKFLT SIGCHLD SIGCONT SIGSTOP"
                                + " SIGTSTP SIGTTIN SIGTTOU SIGURG SIGXCPU SIGXFSZ SIGVTALRM SIGPROF"
                                + " SIGWINCH SIGIO SIGPWR SIGSYS")
                        .split(" ")) {
            NAMES.put((int) Linux.constant(name), name);
        }
    }

    private Signals() {}

    /** The signal's name, or {@code SIG40} and the like for one without. */
    public static String name(int signal) {
        return NAMES.getOrDefault(signal, "SIG" + signal);
    }
}
