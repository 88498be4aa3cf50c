// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.pool;

import io.cloister.nativeio.init.IdMap;
import io.cloister.nativeio.libc.LibC;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.LongStream;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Hands each container a range of host ids of its own. A claim is a lock on one byte of a file, so
 * two workers on a host, or two supervisors in a JVM, never give out the same range, and a worker
 * that dies loses its claims with no one's help. The byte itself says whether the range was given
 * back: after a worker that was killed it was not, and the range is used again only when no process
 * has an id of it.
 *
 * <p>A worker that is not root can map its own id only, and needs no claim. Safe for use by several
 * threads.
 */
public final class UidRanges implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(UidRanges.class);
    private static final byte GIVEN_BACK = 0;
    private static final byte IN_USE = 1;

    private final Block block;
    private final Optional<LockFile> locks;
    private final Set<FileLock> claimed = new HashSet<>();
    private int next;
    private boolean closed;

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

    /** A range in use. */
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

        /** Gives it back, once; only when nothing that has these ids is left. */
        public void release() {
            try {
                if (lock.isPresent() && lock.get().isValid()) {
                    mark(lock.get(), GIVEN_BACK);
                    lock.get().release();
                }
            } catch (IOException e) {
                LOG.warn("cannot give back the ids from {} on", ids.hostUid(), e);
            }
        }
    }

    /**
     * An open lock file. A process loses all its locks on a file when it closes any descriptor of
     * it, fcntl(2): so there is one for all supervisors of this JVM, and the last one closes it.
     */
    private static final class LockFile {
        private static final Map<Path, LockFile> OPEN = new HashMap<>();

        private final Path path;
        private final FileChannel channel;
        private int users;

        private LockFile(Path path, FileChannel channel) {
            this.path = path;
            this.channel = channel;
        }

        static LockFile open(Path path) throws IOException {
            synchronized (OPEN) {
                LockFile file = OPEN.get(path);
                if (file == null) {
                    file =
                            new LockFile(
                                    path,
                                    FileChannel.open(
                                            path,
                                            StandardOpenOption.CREATE,
                                            StandardOpenOption.READ,
                                            StandardOpenOption.WRITE));
                    OPEN.put(path, file);
                }
                file.users++;
                return file;
            }
        }

        void close() throws IOException {
            synchronized (OPEN) {
                users--;
                if (users == 0) {
                    OPEN.remove(path);
                    channel.close();
                }
            }
        }
    }

    private UidRanges(Block block, Optional<LockFile> locks) {
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
        return new UidRanges(block, Optional.of(LockFile.open(file)));
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
            int start = block.start() + index * IdMap.RANGE;
            Optional<FileLock> lock = tryLock(locks.get().channel, start);
            if (lock.isPresent()) {
                claimed.removeIf(old -> !old.isValid());
                claimed.add(lock.get());
                return new Claim(IdMap.range(start), lock);
            }
        }
        throw new IOException(
                "all %d ranges of ids are in use: raise cloister.uid-ranges.count"
                        .formatted(block.count()));
    }

    private static Optional<FileLock> tryLock(FileChannel file, int start) throws IOException {
        // by number of the range on the host, so that overlapping blocks cannot collide either
        long position = start / IdMap.RANGE;
        FileLock lock;
        try {
            lock = file.tryLock(position, 1, false);
        } catch (OverlappingFileLockException e) {
            return Optional.empty(); // another supervisor in this JVM has it
        }
        if (lock == null) {
            return Optional.empty();
        }
        ByteBuffer mark = ByteBuffer.allocate(1);
        boolean wasLeft = file.read(mark, position) == 1 && mark.get(0) != GIVEN_BACK;
        if (wasLeft && isInUse(start)) {
            lock.release();
            return Optional.empty();
        }
        mark(lock, IN_USE);
        return Optional.of(lock);
    }

    private static void mark(FileLock lock, byte mark) throws IOException {
        ((FileChannel) lock.acquiredBy())
                .write(ByteBuffer.wrap(new byte[] {mark}), lock.position());
    }

    /** Whether any process has an id of the range: proc_pid_status(5). */
    private static boolean isInUse(int start) throws IOException {
        try (DirectoryStream<Path> processes =
                Files.newDirectoryStream(Path.of("/proc"), "[0-9]*")) {
            for (Path process : processes) {
                if (uids(process).anyMatch(uid -> uid >= start && uid < start + IdMap.RANGE)) {
                    LOG.warn(
                            "process {} has an id of a range that its worker left: not used",
                            process.getFileName());
                    return true;
                }
            }
        }
        return false;
    }

    private static LongStream uids(Path process) {
        try {
            return Files.readAllLines(process.resolve("status"), StandardCharsets.ISO_8859_1)
                    .stream()
                    .filter(line -> line.startsWith("Uid:"))
                    .flatMap(line -> Stream.of(line.split("\\s+")).skip(1))
                    .mapToLong(Long::parseLong);
        } catch (IOException e) {
            return LongStream.empty(); // it has ended
        }
    }

    /** Lets go of all claims; those that were not released stay marked. */
    @Override
    public synchronized void close() throws IOException {
        if (locks.isPresent() && !closed) {
            closed = true;
            for (FileLock lock : claimed) {
                lock.release();
            }
            locks.get().close();
        }
    }
}
