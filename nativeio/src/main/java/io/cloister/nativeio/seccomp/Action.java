// SPDX-License-Identifier: Apache-2.0
package io.cloister.nativeio.seccomp;

import io.cloister.nativeio.libc.Linux;

/**
 * What the kernel does with a system call (seccomp(2), "Returning from the filter").
 *
 * <p>Of several installed filters the most severe action wins, so a program can only narrow what a
 * policy of ours leaves it.
 */
public sealed interface Action {

    // Methods, not constants: those would tie the initialisation of the interface to its records'.

    static Action allow() {
        return new Allow();
    }

    static Action killProcess() {
        return new KillProcess();
    }

    static Action log() {
        return new Log();
    }

    static Action trap() {
        return new Trap();
    }

    static Action report() {
        return new Report();
    }

    static Action learn() {
        return new Learn();
    }

    /** The call fails with {@code number} in errno; 0 makes it do nothing and return 0. */
    static Action errno(int number) {
        return new Errno(number);
    }

    /** The call fails with the error of that name, for example {@code EPERM}. */
    static Action errno(String name) {
        return new Errno((int) Linux.constant(name));
    }

    /** The value that a filter returns to the kernel for this action. */
    default int returnValue() {
        return switch (this) {
            case Allow() -> (int) Linux.constant("SECCOMP_RET_ALLOW");
            case Errno(int number) -> (int) Linux.constant("SECCOMP_RET_ERRNO") | number;
            case KillProcess() -> (int) Linux.constant("SECCOMP_RET_KILL_PROCESS");
            case Log() -> (int) Linux.constant("SECCOMP_RET_LOG");
            case Report() -> (int) Linux.constant("SECCOMP_RET_USER_NOTIF");
            case Learn() -> (int) Linux.constant("SECCOMP_RET_USER_NOTIF");
            case Trap() -> (int) Linux.constant("SECCOMP_RET_TRAP");
        };
    }

    /** The call is executed. */
    record Allow() implements Action {
        @Override
        public String toString() {
            return "allow";
        }
    }

    /**
     * The call is not executed and fails.
     *
     * @param number 0 to 4095, the kernel's MAX_ERRNO
     */
    record Errno(int number) implements Action {
        private static final int MAX_ERRNO = 4095;

        public Errno {
            if (number < 0 || number > MAX_ERRNO) {
                throw new IllegalArgumentException(
                        "errno must be from 0 to " + MAX_ERRNO + ", not " + number);
            }
        }

        @Override
        public String toString() {
            return "errno " + number;
        }
    }

    /** The whole process dies as if of an uncatchable SIGSYS (since Linux 4.14). */
    record KillProcess() implements Action {
        @Override
        public String toString() {
            return "kill process";
        }
    }

    /** The call is executed and written to the audit log (since Linux 4.14). */
    record Log() implements Action {
        @Override
        public String toString() {
            return "log";
        }
    }

    /**
     * The call waits for the listener's owner, who notes it and ends the run; it is never executed
     * (seccomp_unotify(2), since Linux 5.0). Without a listener it fails with ENOSYS.
     */
    record Report() implements Action {
        @Override
        public String toString() {
            return "report";
        }
    }

    /** The call waits for the listener's owner, who notes it; then it is executed (since 5.5). */
    record Learn() implements Action {
        @Override
        public String toString() {
            return "learn";
        }
    }

    /** The thread gets a SIGSYS, which it may catch; the call is not executed. */
    record Trap() implements Action {
        @Override
        public String toString() {
            return "trap";
        }
    }
}
