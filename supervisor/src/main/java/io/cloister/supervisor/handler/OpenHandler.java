// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.handler;

import io.cloister.nativeio.fd.Fd;
import io.cloister.nativeio.libc.Errno;
import io.cloister.nativeio.libc.Linux;
import io.cloister.nativeio.libc.Sys;
import io.cloister.nativeio.program.BadReplyException;
import io.cloister.nativeio.program.Data;
import io.cloister.nativeio.program.ProgramResult;
import io.cloister.nativeio.program.Step;
import io.cloister.nativeio.program.Structs;
import io.cloister.nativeio.program.SyscallFailure;
import io.cloister.nativeio.program.SyscallProgram;
import io.cloister.protocol.message.Access;
import io.cloister.protocol.message.Failure;
import io.cloister.protocol.message.Open;
import io.cloister.protocol.message.OpenFile;
import io.cloister.supervisor.container.OpenReply;
import io.cloister.supervisor.container.Opened;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;

/**
 * Opens regular files, as many as asked for, in rounds of what one message can carry.
 *
 * <p>Opening never blocks and never follows a link, and what was opened is looked at afterwards, by
 * its descriptor, not before by its path. Until then nothing is done to it: O_NONBLOCK makes the
 * open of a FIFO or device return at once; O_TRUNC has no effect but on regular files (open(2));
 * mounts are nodev but for the devices that the operator put there.
 */
public final class OpenHandler {
    private static final int ROUND_FILES = 200;

    /** What a file takes of a message beside its path, at most. */
    private static final int FILE_BYTES = 512;

    private static final int ALWAYS =
            Linux.O_NONBLOCK | Linux.O_CLOEXEC | Linux.O_NOCTTY | Linux.O_NOFOLLOW;

    private final Deque<Wanted> pending = new ArrayDeque<>();
    private final MissingDirectories directories;
    private final Map<String, Fd> files = new LinkedHashMap<>();
    private final Map<String, Failure> errors = new LinkedHashMap<>();

    /** A file still to be opened, and how. */
    private record Wanted(OpenFile file, ContainerPath path, boolean create) {}

    /** One that a program tries to open. */
    private record Tried(Wanted wanted, Step open) {}

    private OpenHandler(Open request) {
        for (OpenFile file : request.files()) {
            pending.add(new Wanted(file, new ContainerPath(file.path()), file.create()));
        }
        directories =
                new MissingDirectories(
                        pending.stream()
                                .filter(wanted -> wanted.file().makeParents())
                                .flatMap(wanted -> wanted.path().parent().stream())
                                .collect(Collectors.toCollection(java.util.LinkedHashSet::new)));
    }

    /**
     * Begins to open. Descriptors of earlier rounds are kept until the reply owns them: a driver
     * that cannot go on closes the {@link Exchange.Run#then}, which is {@link AutoCloseable}.
     */
    public static Exchange<OpenReply> start(Open request) {
        return new OpenHandler(request).next();
    }

    private Exchange<OpenReply> next() {
        SyscallProgram.Builder b = SyscallProgram.named("open");
        Lookup lookup = new Lookup(b);
        List<Tried> round = new ArrayList<>();
        if (directories.addTo(b, lookup)) {
            while (!pending.isEmpty() && round.size() < ROUND_FILES && fits(b, pending.element())) {
                Wanted wanted = pending.remove();
                Step open = lookup.open("open", wanted.path(), flags(wanted), mode(wanted));
                round.add(new Tried(wanted, open.continuing()));
            }
        }
        Data stats = b.reserve(round.size() * Structs.Stat.SIZE);
        for (int i = 0; i < round.size(); i++) {
            Tried each = round.get(i);
            b.call(
                            "look at",
                            each.wanted().file().path(),
                            Sys.FSTAT,
                            each.open().result(),
                            stats.address(i * Structs.Stat.SIZE))
                    .continuing();
        }
        if (!round.isEmpty()) {
            b.replyWithResults(stats, round.getFirst().open(), round.size());
        }
        SyscallProgram program = b.build();
        return new Exchange.Run<>(program, new Round(program, round, stats));
    }

    private static boolean fits(SyscallProgram.Builder b, Wanted wanted) {
        return b.size() + 3 * wanted.file().path().length() + FILE_BYTES + ROUND_FILES * FILE_BYTES
                < SyscallProgram.MAX_BYTES;
    }

    private static int flags(Wanted wanted) {
        OpenFile file = wanted.file();
        return ALWAYS
                | access(file.access())
                | (wanted.create() ? Linux.O_CREAT : 0)
                | (file.exclusive() ? Linux.O_EXCL : 0)
                | (file.truncate() ? Linux.O_TRUNC : 0)
                | (file.append() ? Linux.O_APPEND : 0);
    }

    private static int access(Access access) {
        return switch (access) {
            case READ -> Linux.O_RDONLY;
            case WRITE -> Linux.O_WRONLY;
            case READ_WRITE -> Linux.O_RDWR;
        };
    }

    /** openat2(2) refuses a mode for files that are not created. */
    private static int mode(Wanted wanted) {
        return wanted.create() ? wanted.file().mode() : 0;
    }

    /** What comes after one program; closing it gives up all descriptors so far. */
    private final class Round implements Exchange.Then<OpenReply>, AutoCloseable {
        private final SyscallProgram program;
        private final List<Tried> tried;
        private final Data stats;

        Round(SyscallProgram program, List<Tried> tried, Data stats) {
            this.program = program;
            this.tried = tried;
            this.stats = stats;
        }

        @Override
        public Exchange<OpenReply> apply(ProgramResult result) throws BadReplyException {
            try {
                read(result);
                return pending.isEmpty() ? new Exchange.Done<>(new Opened(files, errors)) : next();
            } catch (BadReplyException | RuntimeException e) {
                result.closeDescriptors();
                close();
                throw e;
            }
        }

        private void read(ProgramResult result) throws BadReplyException {
            Optional<SyscallFailure> ended = result.failure(program);
            if (ended.isPresent()) {
                result.closeDescriptors();
                for (Tried each : tried) {
                    errors.put(each.wanted().file().path(), Failures.of(ended.get()));
                }
                if (tried.isEmpty()) { // no directory could be made, nor will the next be
                    pending.forEach(
                            wanted -> errors.put(wanted.file().path(), Failures.of(ended.get())));
                    pending.clear();
                }
                return;
            }
            directories.read(result);
            if (tried.isEmpty()) {
                return;
            }
            ByteBuffer bytes = result.bytes(program, stats);
            Iterator<Fd> descriptors = result.descriptors().iterator();
            for (int i = 0; i < tried.size(); i++) {
                Wanted wanted = tried.get(i).wanted();
                Optional<SyscallFailure> failure = result.failureOf(tried.get(i).open());
                if (failure.isPresent()) {
                    notOpened(wanted, failure.get());
                } else if (descriptors.hasNext()) {
                    opened(
                            wanted,
                            descriptors.next(),
                            Structs.Stat.read(bytes, i * Structs.Stat.SIZE));
                } else {
                    throw new BadReplyException("fewer descriptors than files were opened");
                }
            }
            if (descriptors.hasNext()) {
                throw new BadReplyException("more descriptors than files were opened");
            }
        }

        @Override
        public void close() {
            files.values().forEach(Fd::close);
        }
    }

    /** A look that failed leaves zeroes, which are no regular file either. */
    private void opened(Wanted wanted, Fd descriptor, Structs.Stat stat) {
        String path = wanted.file().path();
        if (stat.isRegular()) {
            files.put(path, descriptor);
            return;
        }
        descriptor.close();
        errors.put(
                path,
                Failure.of(
                        Failure.Kind.NOT_A_REGULAR_FILE,
                        path,
                        "it is " + stat.kind() + ": only regular files are opened"));
    }

    private void notOpened(Wanted wanted, SyscallFailure failure) {
        OpenFile file = wanted.file();
        if (failure.errno().equals(Errno.EACCES) && wanted.create() && !file.exclusive()) {
            // fs.protected_regular: in a directory like /tmp not even root may open another's file
            // with O_CREAT (sysctl/fs.rst). It exists, then.
            pending.add(new Wanted(file, wanted.path(), false));
            return;
        }
        errors.put(file.path(), directories.above(wanted.path()).orElseGet(() -> explain(failure)));
    }

    private static Failure explain(SyscallFailure failure) {
        if (failure.errno().equals(Errno.EISDIR)) {
            return Lookup.explained(Failure.Kind.NOT_A_REGULAR_FILE, failure, "it is a directory");
        }
        if (failure.errno().equals(Errno.ENXIO)) {
            return Lookup.explained(
                    Failure.Kind.NOT_A_REGULAR_FILE,
                    failure,
                    "it is a FIFO that nobody reads, a socket or a device");
        }
        return Lookup.failure(failure);
    }
}
