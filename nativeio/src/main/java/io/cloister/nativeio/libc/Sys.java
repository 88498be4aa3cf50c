// SPDX-License-Identifier: Apache-2.0
package io.cloister.nativeio.libc;

import java.util.Locale;

/** The system calls that syscall programs make, with this machine's numbers. */
public enum Sys {
    CAPSET,
    CHDIR,
    CLOCK_GETTIME,
    CLOSE,
    CLOSE_RANGE,
    DUP3,
    EXECVE,
    EXECVEAT,
    EXIT_GROUP,
    FACCESSAT2,
    FCNTL,
    FLISTXATTR,
    FSCONFIG,
    FSMOUNT,
    FSOPEN,
    FSTAT,
    FSTATFS,
    GETDENTS64,
    GETPID,
    GETRUSAGE,
    IOCTL,
    KEYCTL,
    KILL,
    LANDLOCK_ADD_RULE,
    LANDLOCK_CREATE_RULESET,
    LANDLOCK_RESTRICT_SELF,
    MKDIRAT,
    MKNODAT,
    MOUNT,
    MOUNT_SETATTR,
    MOVE_MOUNT,
    NEWFSTATAT,
    OPENAT,
    OPENAT2,
    OPEN_TREE,
    PIDFD_OPEN,
    PIDFD_SEND_SIGNAL,
    PIVOT_ROOT,
    PPOLL,
    PRCTL,
    PREAD64,
    PWRITE64,
    PRLIMIT64,
    READ,
    RENAMEAT2,
    RT_SIGACTION,
    RT_SIGPROCMASK,
    SECCOMP,
    SETDOMAINNAME,
    SETGROUPS,
    SETHOSTNAME,
    SETRESGID,
    SETRESUID,
    SETSID,
    SOCKET,
    SYMLINKAT,
    UMASK,
    UMOUNT2,
    UNLINKAT,
    UNSHARE,
    WAIT4,
    WRITE;

    private final int number =
            SyscallTable.of(Architecture.current())
                    .number(lowerCaseName())
                    .orElseThrow(() ->
                            new UnsupportedOperationException(
                                    lowerCaseName() + " is not in the build's headers"));

    /** The number on this machine's architecture. */
    public int number() {
        return number;
    }

    /** The name as the manual has it, such as {@code openat2}. */
    public String lowerCaseName() {
        return name().toLowerCase(Locale.ROOT);
    }
}
