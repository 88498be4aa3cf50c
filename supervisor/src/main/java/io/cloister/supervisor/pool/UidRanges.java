// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.pool;

import io.cloister.nativeio.init.IdMap;
import io.cloister.nativeio.libc.LibC;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Optional;

/**
 * Hands each container a range of host ids of its own. A claim is a lock on one byte of a file, so
 * two workers on a host, or two supervisors in a JVM, never give out the same range, and a worker
 * that dies loses its claims with no one's help.
 *
 * <p>A worker that is not root can map its own id only, and needs no claim. Safe for use by several
 * threads.
 */
public final class UidRanges implements AutoCloseable {
    private final Block block;
    private final Optional<FileChannel> locks;
    private int next;

    /**
     * Where ranges are taken from.
     *
     * @param start the first id, a multiple of 65536 and at least that
     * @param count how many ranges
     * @param lockFile its directory is made when missing
     */
    public record Block(int start, int count, Path lockFile) {
        public Block {
            if (start < IdMap.RANGE || start % IdMap.RANGE != 0) {
                throw new IllegalArgumentException(
                        "cloister.uid-ranges.start is %d: it must be a multiple of %d above 0, or containers would have the host's own ids"
                                .formatted(start, IdMap.RANGE));
            }
            if (count < 1 || (long) start + (long) count * IdMap.RANGE > Integer.MAX_VALUE) {
                throw new IllegalArgumentException(
                        "cloister.uid-ranges.count is %d: at least 1, and the last id below 2^31"
                                .formatted(count));
            }
        }
    }

    /** A range in use; closing it, once, gives it back. */
    public static final class Claim {
        private final IdMap ids;
        private final Optional<FileLock> lock;

        private Claim(IdMap ids, Optional<FileLock> lock) {
            this.ids = ids;
            this.lock = lock;
        }

        public IdMap ids() {
            return ids;
        }

        /** Gives it back; only when nothing that has these ids is left. */
        public void release() {
            try {
                if (lock.isPresent() && lock.get().isValid()) {
                    lock.get().release();
                }
            } catch (IOException e) {
                // the channel is closed, and the lock with it
            }
        }
    }

    private UidRanges(Block block, Optional<FileChannel> locks) {
        this.block = block;
        this.locks = locks;
        // ranges that were used last are used again last
        this.next = (int) (System.nanoTime() >>> 10 & 0x7fffffff) % block.count();
    }

    /**
     * Opens a block for this process, as root; otherwise for its own id.
     *
     * @throws IOException when the lock file cannot be made
     */
    public static UidRanges open(Block block) throws IOException {
        if (LibC.geteuid() != 0) {
            return new UidRanges(block, Optional.empty());
        }
        Path file = block.lockFile().toAbsolutePath();
        Files.createDirectories(
                Optional.ofNullable(file.getParent()).orElse(file),
                PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
        return new UidRanges(
                block,
                Optional.of(
                        FileChannel.open(
                                file, StandardOpenOption.CREATE, StandardOpenOption.WRITE)));
    }

    /**
     * A range that nobody else has.
     *
     * @throws IOException when all are taken
     */
    public synchronized Claim claim() throws IOException {
        if (locks.isEmpty()) {
            return new Claim(IdMap.single(LibC.geteuid(), LibC.getegid()), Optional.empty());
        }
        for (int i = 0; i < block.count(); i++) {
            int index = next;
            next = (next + 1) % block.count();
            Optional<FileLock> lock = tryLock(locks.get(), index);
            if (lock.isPresent()) {
                return new Claim(IdMap.range(block.start() + index * IdMap.RANGE), lock);
            }
        }
        throw new IOException(
                "all %d ranges of ids are in use: raise cloister.uid-ranges.count"
                        .formatted(block.count()));
    }

    private Optional<FileLock> tryLock(FileChannel file, int index) throws IOException {
        // by number of the range on the host, so that overlapping blocks cannot collide either
        long position = (long) (block.start() / IdMap.RANGE) + index;
        try {
            return Optional.ofNullable(file.tryLock(position, 1, false));
        } catch (OverlappingFileLockException e) {
            return Optional.empty(); // another supervisor in this JVM has it
        }
    }

    /** Gives all claims back. */
    @Override
    public void close() throws IOException {
        if (locks.isPresent()) {
            locks.get().close();
        }
    }
}
