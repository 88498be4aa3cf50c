// SPDX-License-Identifier: Apache-2.0
package io.cloister.nativeio.libc;

import java.util.HashMap;
import java.util.Map;

/** An error number of errno(3) with its name and the C library's words for it. */
public record Errno(int number) {
    private static final Map<Integer, String> NAMES = new HashMap<>();

    public static final Errno NONE = new Errno(0);
    public static final Errno EPERM = named("EPERM");
    public static final Errno ENOENT = named("ENOENT");
    public static final Errno ESRCH = named("ESRCH");
    public static final Errno EINTR = named("EINTR");
    public static final Errno EIO = named("EIO");
    public static final Errno ENXIO = named("ENXIO");
    public static final Errno E2BIG = named("E2BIG");
    public static final Errno ENOEXEC = named("ENOEXEC");
    public static final Errno EBADF = named("EBADF");
    public static final Errno ECHILD = named("ECHILD");
    public static final Errno ETIME = named("ETIME");
    public static final Errno EAGAIN = named("EAGAIN");
    public static final Errno ENOMEM = named("ENOMEM");
    public static final Errno EACCES = named("EACCES");
    public static final Errno EFAULT = named("EFAULT");
    public static final Errno EBUSY = named("EBUSY");
    public static final Errno EEXIST = named("EEXIST");
    public static final Errno EXDEV = named("EXDEV");
    public static final Errno ENODEV = named("ENODEV");
    public static final Errno ENOTDIR = named("ENOTDIR");
    public static final Errno EISDIR = named("EISDIR");
    public static final Errno EINVAL = named("EINVAL");
    public static final Errno EMFILE = named("EMFILE");
    public static final Errno ETXTBSY = named("ETXTBSY");
    public static final Errno EFBIG = named("EFBIG");
    public static final Errno ENOSPC = named("ENOSPC");
    public static final Errno EROFS = named("EROFS");
    public static final Errno EPIPE = named("EPIPE");
    public static final Errno ENAMETOOLONG = named("ENAMETOOLONG");
    public static final Errno ENOSYS = named("ENOSYS");
    public static final Errno ENOTEMPTY = named("ENOTEMPTY");
    public static final Errno ELOOP = named("ELOOP");
    public static final Errno EBADMSG = named("EBADMSG");
    public static final Errno EMSGSIZE = named("EMSGSIZE");
    public static final Errno EOPNOTSUPP = named("EOPNOTSUPP");
    public static final Errno ELIBBAD = named("ELIBBAD");
    public static final Errno ENFILE = named("ENFILE");
    public static final Errno ENOBUFS = named("ENOBUFS");
    public static final Errno ECONNREFUSED = named("ECONNREFUSED");
    public static final Errno ECONNRESET = named("ECONNRESET");
    public static final Errno ECONNABORTED = named("ECONNABORTED");
    public static final Errno EPROTOTYPE = named("EPROTOTYPE");
    public static final Errno EADDRINUSE = named("EADDRINUSE");
    public static final Errno ETOOMANYREFS = named("ETOOMANYREFS");

    static {
        for (String name :
                ("ENOTBLK ENOTTY ESPIPE EMLINK EDOM ERANGE EDEADLK ENOLCK ENODATA EPROTO"
                                + " EOVERFLOW EUSERS ENOTSOCK EPROTONOSUPPORT EAFNOSUPPORT"
                                + " ENOTCONN ETIMEDOUT EALREADY"
                                + " EINPROGRESS ESTALE EDQUOT ECANCELED EKEYREJECTED")
                        .split(" ")) {
            named(name);
        }
    }

    private static Errno named(String name) {
        int number = (int) Linux.constant(name);
        NAMES.putIfAbsent(number, name);
        return new Errno(number);
    }

    /** The errno of a raw system call's result: {@link #NONE} unless it is in [-4095, -1]. */
    public static Errno ofResult(long result) {
        return result < 0 && result > -4096 ? new Errno((int) -result) : NONE;
    }

    /** The symbolic name, such as {@code EPERM}, or {@code errno 512} for one without. */
    public String symbol() {
        return NAMES.getOrDefault(number, "errno " + number);
    }

    /** The C library's words, as strerror(3) gives them in the C locale. */
    public String message() {
        return LibC.strerror(number);
    }

    /** Name and words: {@code EPERM (Operation not permitted)}. */
    @Override
    public String toString() {
        return symbol() + " (" + message() + ")";
    }
}
