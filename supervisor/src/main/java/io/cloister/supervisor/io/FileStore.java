// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.io;

import static io.cloister.supervisor.SettingCheck.require;

import io.cloister.nativeio.fd.Fd;
import io.cloister.nativeio.fd.MemFd;
import io.cloister.protocol.message.Failure;
import io.cloister.protocol.run.Content;
import io.cloister.protocol.unit.ByteSize;
import io.cloister.protocol.unit.Bytes;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Files that the worker keeps for runs, by the SHA-256 of their bytes. Programs read them without a
 * copy being made. Thread-safe.
 *
 * <p>They are sealed files in memory (memfd_create(2)), and are lost when the worker ends: clients
 * put what is missing again. When there is no room for another, those go first that were not used
 * for the longest time; those that are {@linkplain #hold held} stay. A file that went is still
 * there for whoever has it open, and its memory is in use until then.
 */
public final class FileStore implements AutoCloseable {
    private static final int READ_ONLY = 0444;

    private final Settings settings;
    private final LongSupplier nanoTime;

    /** In the order of their last use. */
    private final Map<String, Entry> entries = new LinkedHashMap<>(16, 0.75f, true);

    /** How many holds there are of each id, whether or not there is such a file yet. */
    private final Map<String, Integer> held = new HashMap<>();

    private long bytes;
    private boolean closed;

    /**
     * The settings under {@code cloister.store} in reference.conf, which says what each means.
     *
     * @param maxSize of all files together; what is being put comes on top
     * @param maxFileSize of one file, at most {@code maxSize}
     * @param timeToLive since its last use
     */
    public record Settings(
            ByteSize maxSize, ByteSize maxFileSize, int maxFiles, Duration timeToLive) {
        public Settings {
            require(
                    maxFileSize.compareTo(maxSize) <= 0,
                    "cloister.store.max-file-size must be at most store.max-size");
            require(maxFiles >= 1, "cloister.store.max-files must be at least 1");
            require(timeToLive.isPositive(), "cloister.store.time-to-live must be positive");
        }
    }

    /** One of the files. */
    public record StoredFile(String id, ByteSize size) {}

    private static final class Entry {
        private final Fd file;
        private final long size;
        private long used;

        Entry(Fd file, long size, long used) {
            this.file = file;
            this.size = size;
            this.used = used;
        }
    }

    /** Gives the next bytes of a new file. */
    private interface Source {
        /** Fills the buffer with some; -1 at the end. */
        int read(ByteBuffer into) throws IOException;
    }

    public FileStore(Settings settings) {
        this(settings, System::nanoTime);
    }

    FileStore(Settings settings, LongSupplier nanoTime) {
        this.settings = settings;
        this.nanoTime = nanoTime;
    }

    // ---- putting ----------------------------------------------------------------------------

    /**
     * Keeps a file.
     *
     * @throws FileException when it is too long, naming the bound, or when there is no room since
     *     others are held
     */
    public Content.Stored put(Bytes contents) throws FileException, IOException {
        ByteBuffer left = contents.asBuffer();
        return put(
                into -> {
                    int n = Math.min(into.remaining(), left.remaining());
                    into.put(left.duplicate().limit(left.position() + n));
                    left.position(left.position() + n);
                    return n == 0 ? -1 : n;
                },
                settings.maxFileSize());
    }

    /** As {@link #put(Bytes)}, with all that the stream has. */
    public Content.Stored put(InputStream contents) throws FileException, IOException {
        byte[] buffer = new byte[Chunk.SIZE];
        return put(
                into -> {
                    int n = contents.read(buffer);
                    if (n > 0) {
                        into.put(buffer, 0, n);
                    }
                    return n;
                },
                settings.maxFileSize());
    }

    /**
     * As {@link #put(Bytes)}, with a regular file from its offset on. The descriptor stays the
     * caller's.
     *
     * @param max a bound of the caller's, beside that of the store
     */
    public Content.Stored put(Fd contents, ByteSize max) throws FileException, IOException {
        ByteSize bound = max.compareTo(settings.maxFileSize()) < 0 ? max : settings.maxFileSize();
        return put(contents::readSome, bound);
    }

    private Content.Stored put(Source source, ByteSize max) throws FileException, IOException {
        try (NewFile file = new NewFile(max)) {
            ByteBuffer chunk = Chunk.own();
            while (source.read(chunk) > 0) {
                file.append(chunk.flip());
                chunk.clear();
            }
            return file.keep();
        }
    }

    /**
     * Begins a file that comes bit by bit and whose contents are known by their hash, as from
     * another node.
     *
     * @param size in bytes, as far as whoever sends it is to be believed: no more are taken
     * @throws FileException when it is too long, naming the bound
     */
    public Expected expect(Content.Stored file, long size) throws FileException, IOException {
        if (size > settings.maxFileSize().bytes()) {
            throw tooLong(settings.maxFileSize());
        }
        return new Expected(file, size);
    }

    /** A file that is being put: not in the store until all is there and is what it should be. */
    public final class Expected implements AutoCloseable {
        private final Content.Stored expected;
        private final long size;
        private final NewFile file;

        private Expected(Content.Stored expected, long size) throws IOException {
            this.expected = expected;
            this.size = size;
            file = new NewFile(settings.maxFileSize());
        }

        /**
         * Adds bytes.
         *
         * @throws FileException when there are more than were announced
         */
        public void write(ByteBuffer bytes) throws FileException, IOException {
            if (file.size + bytes.remaining() > size) {
                throw damaged("there is more of it than the %d bytes announced".formatted(size));
            }
            while (bytes.hasRemaining()) {
                ByteBuffer chunk = Chunk.own();
                int length = Math.min(chunk.remaining(), bytes.remaining());
                chunk.put(bytes.slice(bytes.position(), length)).flip();
                bytes.position(bytes.position() + length);
                file.append(chunk);
            }
        }

        /**
         * Keeps it.
         *
         * @throws FileException when there are fewer bytes than were announced, when they are not
         *     those of its id, or when there is no room since others are held
         */
        public void finish() throws FileException, IOException {
            if (file.size != size) {
                throw damaged("%d of the %d bytes announced came".formatted(file.size, size));
            }
            if (!file.id().equals(expected.id())) {
                throw damaged("what came has another SHA-256");
            }
            file.keep();
        }

        private FileException damaged(String how) {
            return new FileException(Failure.Kind.UNAVAILABLE, expected.id(), how);
        }

        /** Drops what came, unless it was kept. */
        @Override
        public void close() {
            file.close();
        }
    }

    /** A file in the making. */
    private final class NewFile implements AutoCloseable {
        private final ByteSize max;
        private final Fd file = MemFd.sealable("stored file");
        private final MessageDigest digest = sha256();
        private @Nullable String id;
        private long size;
        private boolean kept;

        NewFile(ByteSize max) throws IOException {
            this.max = max;
        }

        /** Takes all of a direct buffer. */
        void append(ByteBuffer chunk) throws FileException, IOException {
            size += chunk.remaining();
            if (size > max.bytes()) {
                throw tooLong(max);
            }
            digest.update(chunk.duplicate());
            while (chunk.hasRemaining()) {
                file.writeSome(chunk);
            }
        }

        /** The SHA-256 of all bytes; none may follow. */
        String id() {
            String known = id;
            if (known == null) {
                known = HexFormat.of().formatHex(digest.digest());
                id = known;
            }
            return known;
        }

        Content.Stored keep() throws FileException, IOException {
            file.setPermissions(READ_ONLY);
            MemFd.seal(file);
            kept = FileStore.this.keep(id(), new Entry(file, size, nanoTime.getAsLong()));
            return new Content.Stored(id());
        }

        @Override
        public void close() {
            if (!kept) {
                file.close();
            }
        }
    }

    private FileException tooLong(ByteSize max) {
        return new FileException(
                Failure.Kind.TOO_LARGE,
                "",
                max.equals(settings.maxFileSize())
                        ? "longer than cloister.store.max-file-size, %s: raise it, or send less"
                                .formatted(max)
                        : "longer than the %s that were asked for: allow more".formatted(max));
    }

    private static MessageDigest sha256() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java platform has SHA-256", e);
        }
    }

    /** False when the same file was there already. */
    private synchronized boolean keep(String id, Entry entry) throws FileException, IOException {
        if (closed) {
            throw new IOException("the worker's file store is closed");
        }
        expire();
        if (use(id) != null) {
            return false;
        }
        makeRoom(entry.size);
        entries.put(id, entry);
        bytes += entry.size;
        return true;
    }

    private void makeRoom(long size) throws FileException {
        long most = settings.maxSize().bytes() - size;
        int others = settings.maxFiles() - 1;
        if (bytes <= most && entries.size() <= others) {
            return;
        }
        List<Entry> staying =
                held.keySet().stream().map(entries::get).filter(Objects::nonNull).toList();
        if (staying.size() > others || staying.stream().mapToLong(file -> file.size).sum() > most) {
            throw new FileException(
                    Failure.Kind.BUSY,
                    "",
                    "no room in the file store: %d files are held for runs; raise"
                                    .formatted(staying.size())
                            + " cloister.store.max-size or max-files, or try again later");
        }
        Iterator<Map.Entry<String, Entry>> eldest = entries.entrySet().iterator();
        while (bytes > most || entries.size() > others) {
            Map.Entry<String, Entry> next = eldest.next();
            if (!held.containsKey(next.getKey())) {
                drop(eldest, next.getValue());
            }
        }
    }

    private void drop(Iterator<?> at, Entry entry) {
        at.remove();
        bytes -= entry.size;
        entry.file.close();
    }

    // ---- using ------------------------------------------------------------------------------

    /**
     * Opens a file for reading, with an offset of its own; the caller owns it. Empty when there is
     * no such file.
     */
    public synchronized Optional<Fd> open(String id) throws IOException {
        expire();
        Entry entry = use(id);
        if (entry == null) {
            return Optional.empty();
        }
        // A program that has the worker's own uid, as without root, may have changed it.
        entry.file.setPermissions(READ_ONLY);
        return Optional.of(entry.file.reopenForReading());
    }

    /** Whether the file is there; this counts as a use. */
    public synchronized boolean contains(String id) {
        expire();
        return use(id) != null;
    }

    private @Nullable Entry use(String id) {
        Entry entry = entries.get(id);
        if (entry != null) {
            entry.used = nanoTime.getAsLong();
        }
        return entry;
    }

    /** A wish that files stay, until it is closed. Closing it again does nothing. */
    public interface Hold extends AutoCloseable {
        @Override
        void close();
    }

    /**
     * Keeps files from going by themselves. Those that are not there yet are held from when they
     * come.
     */
    public synchronized Hold hold(Collection<String> ids) {
        Set<String> own = Set.copyOf(ids);
        own.forEach(id -> held.merge(id, 1, Integer::sum));
        AtomicBoolean open = new AtomicBoolean(true);
        return () -> {
            if (open.compareAndSet(true, false)) {
                letGo(own);
            }
        };
    }

    private synchronized void letGo(Set<String> ids) {
        for (String id : ids) {
            held.computeIfPresent(id, (same, holds) -> holds == 1 ? null : holds - 1);
            use(id);
        }
    }

    /** Forgets a file, also one that is held; false when there was none. */
    public synchronized boolean remove(String id) {
        expire();
        Entry entry = entries.remove(id);
        if (entry == null) {
            return false;
        }
        bytes -= entry.size;
        entry.file.close();
        return true;
    }

    /** All files; those used last come last. */
    public synchronized List<StoredFile> list() {
        expire();
        List<StoredFile> list = new ArrayList<>();
        entries.forEach((id, entry) -> list.add(new StoredFile(id, ByteSize.ofBytes(entry.size))));
        return list;
    }

    /**
     * Forgets what has not been used for its time to live. Every other method does so first; call
     * it from time to time, so that the memory does not wait for them.
     */
    public synchronized void expire() {
        long now = nanoTime.getAsLong();
        Iterator<Map.Entry<String, Entry>> eldest = entries.entrySet().iterator();
        while (eldest.hasNext()) {
            Map.Entry<String, Entry> next = eldest.next();
            if (now - next.getValue().used < settings.timeToLive().toNanos()) {
                return;
            }
            if (!held.containsKey(next.getKey())) {
                drop(eldest, next.getValue());
            }
        }
    }

    /** Forgets all files, and takes no more. */
    @Override
    public synchronized void close() {
        closed = true;
        for (Iterator<Entry> all = entries.values().iterator(); all.hasNext(); ) {
            drop(all, all.next());
        }
    }
}
