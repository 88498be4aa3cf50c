// SPDX-License-Identifier: Apache-2.0
package io.cloister.nativeio.program;

import io.cloister.nativeio.libc.Errno;

/**
 * Which step of a program failed on what, and why.
 *
 * @param step what was being done, such as {@code bind}
 * @param subject on what, such as {@code /usr on /usr}
 * @param call the system call that said no
 * @param errno its reason; {@link Errno#NONE} when a step that must not see end of file saw it
 */
public record SyscallFailure(String step, String subject, String call, Errno errno) {

    /** {@code bind /usr on /usr: mount: EPERM (Operation not permitted)}. */
    public String message() {
        return step + (subject.isEmpty() ? "" : " " + subject) + ": " + detail();
    }

    /** The part of the message after step and subject: {@code mount: EPERM (...)}. */
    public String detail() {
        return call + ": " + (errno.equals(Errno.NONE) ? "end of file" : errno.toString());
    }
}
