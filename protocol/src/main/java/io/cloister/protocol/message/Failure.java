// SPDX-License-Identifier: Apache-2.0
package io.cloister.protocol.message;

import io.cloister.protocol.unit.Coded;
import java.util.Objects;
import java.util.OptionalInt;

/**
 * A command was not carried out.
 *
 * <p>Bounded: all its text together is below 4 KiB of valid UTF-8. Longer text is cut at a
 * character and marked {@code …[cut]}, half surrogate pairs and control characters become U+FFFD;
 * programs choose some of it, so this must not fail.
 *
 * @param kind what the caller should do about it
 * @param step what was being done, for example {@code bind /usr on /usr}; empty when no step failed
 * @param subject the file or thing it was done to; empty when there is none
 * @param errno of the failed system call, 1 to 4095, see errno(3); any other number is dropped
 * @param errnoName for example {@code EPERM}; empty when there is no errno
 * @param message for people: what happened, and what to do
 */
public record Failure(
        Kind kind, String step, String subject, OptionalInt errno, String errnoName, String message)
        implements PingReply, ConfReply, SymlinkReply, DeleteReply, ResetReply, ExecveReply {
    /** Bounds of the texts in bytes of UTF-8; together below 4 KiB. */
    public static final int MAX_STEP_BYTES = 512;

    public static final int MAX_SUBJECT_BYTES = 1024;
    public static final int MAX_ERRNO_NAME_BYTES = 32;
    public static final int MAX_MESSAGE_BYTES = 2048;

    private static final String CUT = "…[cut]";
    private static final int CUT_BYTES = 8;
    private static final int MAX_ERRNO = 4095;
    private static final char REPLACEMENT = '\uFFFD';

    /** What went wrong, told apart by what the caller should do. */
    public enum Kind implements Coded {
        /** The request is wrong: correct it, the container is untouched. */
        INVALID_REQUEST(0),
        /** Too many commands are waiting: try again later, or elsewhere. */
        BUSY(1),
        /** No such file in the container: check the path, or put the file there first. */
        NOT_FOUND(2),
        /** The file may not be executed: check its mode, its type and noexec mounts. */
        NOT_EXECUTABLE(3),
        /** The interpreter of a script or binary is missing or of no use: mount it. */
        BAD_INTERPRETER(4),
        /** Arguments, environment or a file exceed what the kernel takes: send less. */
        TOO_LARGE(5),
        /** A descriptor that came along is closed or unfit for its role: open it anew. */
        BAD_DESCRIPTOR(6),
        /** The caller refused the program when its start was announced: nothing to do. */
        REFUSED(7),
        /** The container was configured before: use it, or destroy it and create another. */
        ALREADY_CONFIGURED(8),
        /** The container has no file system yet: send conf first. */
        NOT_CONFIGURED(9),
        /** A FIFO, socket, device, directory or link where only a regular file will do. */
        NOT_A_REGULAR_FILE(10),
        /** The directory is not empty: ask for a recursive delete. */
        NOT_EMPTY(11),
        /** A system call failed: step, subject and errno say which, the remedy depends on them. */
        SYSCALL(12),
        /** The container is gone, and the work with it: run it again in another. */
        CONTAINER_LOST(13),
        /** No answer in time, so the container was destroyed: run it again in another. */
        DEADLINE(14),
        /** No container can be had now: try again later, or elsewhere. */
        UNAVAILABLE(15),
        /** A mistake of Cloister itself: report it, and run the work again. */
        INTERNAL(16),
        /** A limit was asked for that the worker cannot enforce: allow less, or mend the worker. */
        NOT_ENFORCEABLE(17);

        private final int code;

        Kind(int code) {
            this.code = code;
        }

        @Override
        public int code() {
            return code;
        }
    }

    public Failure {
        Objects.requireNonNull(kind, "kind");
        step = bounded(step, MAX_STEP_BYTES, false);
        subject = bounded(subject, MAX_SUBJECT_BYTES, false);
        if (errno.isPresent() && (errno.getAsInt() < 1 || errno.getAsInt() > MAX_ERRNO)) {
            errno = OptionalInt.empty();
        }
        errnoName = bounded(errnoName, MAX_ERRNO_NAME_BYTES, false);
        message = bounded(message, MAX_MESSAGE_BYTES, true);
    }

    /** A failure that is no system call's. */
    public static Failure of(Kind kind, String message) {
        return new Failure(kind, "", "", OptionalInt.empty(), "", message);
    }

    /** A failure that is no system call's, about a file or thing. */
    public static Failure of(Kind kind, String subject, String message) {
        return new Failure(kind, "", subject, OptionalInt.empty(), "", message);
    }

    /** A step that failed with an errno. */
    public static Failure ofErrno(
            Kind kind, String step, String subject, int errno, String errnoName, String message) {
        return new Failure(kind, step, subject, OptionalInt.of(errno), errnoName, message);
    }

    /** One line for logs and terminals. */
    public String describe() {
        StringBuilder text = new StringBuilder();
        text.append(step);
        if (!subject.isEmpty() && !step.contains(subject)) {
            text.append(text.isEmpty() ? "" : " ").append(subject);
        }
        if (!errnoName.isEmpty() && !message.contains(errnoName)) {
            text.append(text.isEmpty() ? "" : ": ").append(errnoName);
        }
        if (!message.isEmpty()) {
            text.append(text.isEmpty() ? "" : ": ").append(message);
        }
        return text.isEmpty() ? kind.name() : text.toString();
    }

    private static String bounded(String text, int maxBytes, boolean lines) {
        // No more characters than bytes are looked at: text may be of any length.
        StringBuilder clean = new StringBuilder(Math.min(text.length(), maxBytes));
        int bytes = 0;
        int cutAt = 0;
        for (int i = 0; i < text.length(); ) {
            int c = text.codePointAt(i);
            i += Character.charCount(c);
            boolean kept = lines && (c == '\n' || c == '\t');
            if ((Character.isISOControl(c) && !kept) || (c >= 0xD800 && c <= 0xDFFF)) {
                c = REPLACEMENT;
            }
            bytes += c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
            if (bytes > maxBytes) {
                clean.setLength(cutAt);
                return clean.append(CUT).toString();
            }
            clean.appendCodePoint(c);
            if (bytes <= maxBytes - CUT_BYTES) {
                cutAt = clean.length();
            }
        }
        return clean.toString();
    }
}
