// SPDX-License-Identifier: Apache-2.0
package io.cloister.nativeio.fd;

/** What a descriptor leads to, as far as it matters whether to use one that a stranger passed. */
public enum DescriptorKind {
    /** A memfd, or a file of a tmpfs: it answers at once, and can be sealed (F_GET_SEALS). */
    MEMORY_FILE(true),

    /** A regular file on a local disk's file system that is mounted here. */
    REGULAR_FILE(true),

    /** An end of a pipe, or a FIFO on a local file system. */
    PIPE(true),

    /** A pseudo-terminal's slave. */
    TERMINAL(true),

    /** The null, zero, full, random and urandom devices. */
    NULL_DEVICE(true),

    /** A socket; it may linger when it is closed (SO_LINGER, socket(7)). */
    SOCKET(false),

    DIRECTORY(false),

    /** A place without a file opened there (O_PATH). */
    PATH_ONLY(false),

    /** What has no file type: epoll, io_uring, a pidfd, an eventfd and the like. */
    ANONYMOUS(false),

    /** Any other device. */
    DEVICE(false),

    /**
     * Any other file, which may make each call wait, fstat(2) and close(2) too: of FUSE, of a
     * network, of the kernel (proc, nsfs), of a mount that this process does not see.
     */
    OTHER_FILE(false);

    private final boolean closesAtOnce;

    DescriptorKind(boolean closesAtOnce) {
        this.closesAtOnce = closesAtOnce;
    }

    /**
     * Whether close(2) returns without waiting for anybody. If not, {@link SlowCloser} should do
     * it: FUSE has its owner flush the file first.
     */
    public boolean closesAtOnce() {
        return closesAtOnce;
    }
}
