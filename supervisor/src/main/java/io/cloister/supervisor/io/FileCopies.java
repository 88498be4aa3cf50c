// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.io;

import io.cloister.nativeio.fd.Fd;
import io.cloister.nativeio.fd.MemFd;
import io.cloister.nativeio.fd.SystemCallException;
import io.cloister.nativeio.libc.Errno;
import io.cloister.nativeio.libc.Linux;
import io.cloister.protocol.message.Failure;
import io.cloister.protocol.run.Content;
import io.cloister.protocol.unit.ByteSize;
import io.cloister.protocol.unit.Bytes;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Set;

/**
 * Brings the contents of files to programs and back. Works on descriptors that were opened before,
 * and blocks as long as copying takes: about a millisecond for some megabytes.
 */
public final class FileCopies {
    private static final int READ_ONLY = 0444;

    /** What writing fails with when there is no room, or too little is allowed: write(2). */
    private static final Set<Errno> NO_ROOM =
            Set.of(Errno.ENOSPC, Errno.EFBIG, new Errno(Linux.EDQUOT));

    private final FileStore store;
    private final HostFiles hostFiles;

    public FileCopies(FileStore store, HostFiles hostFiles) {
        this.store = store;
        this.hostFiles = hostFiles;
    }

    // ---- to programs ------------------------------------------------------------------------

    /**
     * Opens contents as a program's input: for reading alone, with an offset of its own, and not to
     * be changed by a program that opens it anew. The caller owns it. What is stored is not copied,
     * what is in the request is, and a file of the host may be: see {@link HostFiles}.
     *
     * @throws FileException when there is no such file
     */
    public Fd open(Content content) throws FileException, IOException {
        return switch (content) {
            case Content.Inline(Bytes bytes) -> memory(bytes);
            case Content.Stored(String id) ->
                    store.open(id)
                            .orElseThrow(() ->
                                    new FileException(
                                            Failure.Kind.NOT_FOUND,
                                            id,
                                            "not in this worker's file store: put it there again"));
            case Content.HostFile(String path) -> hostFiles.open(path);
        };
    }

    private static Fd memory(Bytes bytes) throws IOException {
        try (Fd file = MemFd.sealable("input")) {
            write(bytes, file);
            file.setPermissions(READ_ONLY);
            MemFd.seal(file);
            return file.reopenForReading();
        }
    }

    /**
     * Writes contents into a file that is open for writing, from its offset on.
     *
     * @throws FileException when there are no such contents, or no room for them
     */
    public void write(Content content, Fd into) throws FileException, IOException {
        try {
            if (content instanceof Content.Inline(Bytes bytes)) {
                write(bytes, into);
                return;
            }
            try (Fd from = open(content)) {
                while (into.transferFrom(from, Integer.MAX_VALUE) > 0) {}
            }
        } catch (SystemCallException e) {
            if (!NO_ROOM.contains(e.errno())) {
                throw e;
            }
            throw new FileException(
                    Failure.ofErrno(
                            Failure.Kind.TOO_LARGE,
                            "write",
                            into.what(),
                            e.errno().number(),
                            e.errno().symbol(),
                            "it does not fit: make the container's file system larger, or send"
                                    + " less"));
        }
    }

    private static void write(Bytes bytes, Fd into) throws IOException {
        ByteBuffer left = bytes.asBuffer();
        while (left.hasRemaining()) {
            ByteBuffer chunk = Chunk.own();
            int length = Math.min(chunk.remaining(), left.remaining());
            chunk.put(left.duplicate().limit(left.position() + length)).flip();
            left.position(left.position() + length);
            while (chunk.hasRemaining()) {
                into.writeSome(chunk);
            }
        }
    }

    // ---- from programs ----------------------------------------------------------------------

    /**
     * Reads a regular file from its offset on. Its length is a program's word: a file that claims
     * too much is refused unread, and one that has more than it claims is read no further than the
     * bound.
     *
     * @throws FileException when it is longer than {@code max}
     */
    public Bytes read(Fd file, ByteSize max) throws FileException, IOException {
        long size = file.size();
        if (size > max.bytes()) {
            throw tooLong(file, max);
        }
        BoundedBytes bytes = new BoundedBytes(max, size);
        ByteBuffer chunk = Chunk.own();
        while (file.readSome(chunk) > 0) {
            bytes.add(chunk.flip());
            if (bytes.isExceeded()) {
                throw tooLong(file, max);
            }
            chunk.clear();
        }
        return bytes.toBytes();
    }

    private static FileException tooLong(Fd file, ByteSize max) {
        return new FileException(
                Failure.Kind.TOO_LARGE,
                file.what(),
                "it is longer than the %s that were asked for: allow more".formatted(max));
    }

    /**
     * Puts a regular file into the store, from its offset on.
     *
     * @throws FileException when it is longer than {@code max}, or than the store takes
     */
    public Content.Stored store(Fd file, ByteSize max) throws FileException, IOException {
        if (file.size() > max.bytes()) {
            throw tooLong(file, max);
        }
        return store.put(file, max);
    }
}
