// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.handler;

import io.cloister.nativeio.libc.Errno;
import io.cloister.nativeio.libc.Linux;
import io.cloister.nativeio.libc.Sys;
import io.cloister.nativeio.program.Arg;
import io.cloister.nativeio.program.BadReplyException;
import io.cloister.nativeio.program.Data;
import io.cloister.nativeio.program.ProgramResult;
import io.cloister.nativeio.program.Step;
import io.cloister.nativeio.program.Structs.DirectoryEntry;
import io.cloister.nativeio.program.SyscallFailure;
import io.cloister.nativeio.program.SyscallProgram;
import io.cloister.protocol.message.DeleteReply;
import io.cloister.protocol.message.Deleted;
import io.cloister.protocol.message.Failure;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Removes a directory with all that is in it, whatever its depth, size and names.
 *
 * <p>The tree is flattened while it is eaten: a directory inside a directory is moved up to the
 * top, under a name of its own. So every directory is either the top or right below it, and neither
 * descriptors nor paths grow with the depth. A program removes what the last one listed, moves up
 * what it could not remove, and lists on; ten thousand levels are as many programs, a hundred
 * thousand files in one directory about two hundred.
 *
 * <p>The top is listed only when nothing known is below it. So all that a listing shows is new, and
 * each program leaves less than it found; anything but "not empty" that the kernel has against a
 * removal ends it all. File systems mounted inside are not entered (RESOLVE_NO_XDEV).
 */
final class TreeRemoval {
    /** Names are listed into this many bytes per program: their removal fits into the next one. */
    private static final int LISTING = 20 * 1024;

    /** Least room for one directory's listing: three of the longest names. */
    private static final int LEAST_LISTING = 1024;

    private static final int RESOLVE = Lookup.RESOLVE | Linux.RESOLVE_NO_XDEV;
    private static final String PREFIX = ".cloister-delete-";

    private final ContainerPath path;
    private final Folder top = new Folder(null, "");

    /** Directories right below the top that are known and not being worked on. */
    private final Deque<Folder> known = new ArrayDeque<>();

    private long names;

    /** A directory: the top, or one right below it. */
    private static final class Folder {
        /** Its name in the top; null for the top itself. */
        final byte @Nullable [] name;

        /** Where it was when found, below the top, for messages. */
        final String origin;

        /** What the last listing showed. */
        List<DirectoryEntry> found = List.of();

        /** Whether the program that runs lists it, so that it need not be remembered. */
        boolean listing;

        boolean gone;

        Folder(byte @Nullable [] name, String origin) {
            this.name = name;
            this.origin = origin;
        }
    }

    /** Steps that remove an entry; what may be a directory is made a folder below the top. */
    private record Removal(
            Step unlink, @Nullable Step rmdir, @Nullable Step rename, @Nullable Folder folder) {}

    /** Steps that empty and remove a folder. */
    private record Emptying(
            Folder folder, @Nullable Step open, List<Removal> removals, Step rmdir) {}

    /** Steps that list a folder. */
    private record Listing(Folder folder, @Nullable Step open, Step list, int offset) {}

    private TreeRemoval(ContainerPath path) {
        this.path = path;
    }

    /** Begins to remove a directory that is not empty. */
    static Exchange<DeleteReply> start(ContainerPath path) {
        return new TreeRemoval(path).next(List.of());
    }

    /** One program: removes what was listed, then lists what is next. */
    private Exchange<DeleteReply> next(List<Folder> listed) {
        SyscallProgram.Builder b = SyscallProgram.named("delete tree");
        Lookup lookup = new Lookup(b);
        Step parent = lookup.parentOf("delete", path);
        Step opened =
                lookup.open(
                        "delete",
                        path.text(),
                        parent.result(),
                        path.name(),
                        Lookup.READ_DIRECTORY,
                        0,
                        RESOLVE);
        List<Emptying> emptyings = new ArrayList<>();
        Deque<Folder> fresh = new ArrayDeque<>();
        for (Folder folder : listed) {
            Emptying emptying = empty(b, lookup, parent, opened, folder);
            emptyings.add(emptying);
            for (Removal removal : emptying.removals()) {
                if (removal.folder() != null) {
                    fresh.push(removal.folder());
                }
            }
        }
        List<Folder> toList = choose(fresh, listed);
        Data buffer = b.reserve(LISTING);
        int share = (LISTING / toList.size()) & -Long.BYTES;
        List<Listing> listings = new ArrayList<>();
        for (Folder folder : toList) {
            listings.add(list(b, lookup, opened, folder, buffer, listings.size() * share, share));
        }
        b.reply(buffer);
        SyscallProgram program = b.build();
        return new Exchange.Run<>(
                program, result -> read(program, result, emptyings, listings, buffer));
    }

    /**
     * Those just found first, since they may be gone already, then others, then those that are
     * being emptied, since they may hold more than was listed; else the top.
     */
    private List<Folder> choose(Deque<Folder> fresh, List<Folder> emptied) {
        List<Folder> chosen = new ArrayList<>();
        while (chosen.size() < LISTING / LEAST_LISTING) {
            Folder folder = fresh.isEmpty() ? known.poll() : fresh.pop();
            if (folder == null) {
                break;
            }
            chosen.add(folder);
        }
        if (chosen.isEmpty()) {
            chosen.addAll(emptied.isEmpty() ? List.of(top) : emptied);
        }
        chosen.forEach(folder -> folder.listing = true);
        return chosen;
    }

    private String subject(Folder folder) {
        return path.text() + folder.origin;
    }

    private Emptying empty(
            SyscallProgram.Builder b, Lookup lookup, Step parent, Step opened, Folder folder) {
        String subject = subject(folder);
        byte[] name = folder.name;
        if (name == null) {
            List<Removal> removals = removals(b, opened, opened, folder);
            Arg own = b.string(path.name()).address();
            Step rmdir = DeleteHandler.unlink(b, subject, parent.result(), own, Linux.AT_REMOVEDIR);
            return new Emptying(folder, null, removals, rmdir);
        }
        Arg own = b.string(name).address();
        Step open = open(lookup, opened, folder, own);
        List<Removal> removals = removals(b, open, opened, folder);
        Step rmdir = DeleteHandler.unlink(b, subject, opened.result(), own, Linux.AT_REMOVEDIR);
        b.call("close", subject, Sys.CLOSE, open.result()).continuing();
        return new Emptying(folder, open, removals, rmdir);
    }

    private Step open(Lookup lookup, Step opened, Folder folder, Arg name) {
        return lookup.open(
                        "delete",
                        subject(folder),
                        opened.result(),
                        name,
                        Lookup.READ_DIRECTORY,
                        0,
                        RESOLVE)
                .continuing();
    }

    private List<Removal> removals(
            SyscallProgram.Builder b, Step directory, Step opened, Folder folder) {
        List<Removal> removals = new ArrayList<>(folder.found.size());
        for (DirectoryEntry entry : folder.found) {
            byte[] bytes = entry.name();
            Arg name = b.string(bytes).address();
            String subject = subject(folder) + "/" + entry.text();
            Arg from = directory.result();
            Step unlink = DeleteHandler.unlink(b, subject, from, name, 0);
            if (!entry.maybeDirectory()) {
                removals.add(new Removal(unlink, null, null, null));
                continue;
            }
            Step rmdir = DeleteHandler.unlink(b, subject, from, name, Linux.AT_REMOVEDIR);
            if (folder == top) {
                Folder stays = new Folder(bytes, "/" + entry.text());
                removals.add(new Removal(unlink, rmdir, null, stays));
                continue;
            }
            byte[] unique = (PREFIX + names++).getBytes(StandardCharsets.US_ASCII);
            Step rename =
                    b.call(
                                    "move up",
                                    subject,
                                    Sys.RENAMEAT2,
                                    from,
                                    name,
                                    opened.result(),
                                    b.string(unique).address(),
                                    Arg.of(Linux.RENAME_NOREPLACE))
                            .continuing();
            // the whole way would grow with the depth
            Folder moved = new Folder(unique, "/…/" + entry.text());
            removals.add(new Removal(unlink, rmdir, rename, moved));
        }
        return removals;
    }

    private Listing list(
            SyscallProgram.Builder b,
            Lookup lookup,
            Step opened,
            Folder folder,
            Data buffer,
            int offset,
            int share) {
        byte[] name = folder.name;
        Step open = name == null ? null : open(lookup, opened, folder, b.string(name).address());
        Step directory = open == null ? opened : open;
        Step list =
                b.call(
                                "list",
                                subject(folder),
                                Sys.GETDENTS64,
                                directory.result(),
                                buffer.address(offset),
                                Arg.of(share))
                        .continuing();
        if (open != null) {
            b.call("close", subject(folder), Sys.CLOSE, open.result()).continuing();
        }
        return new Listing(folder, open, list, offset);
    }

    private Exchange<DeleteReply> read(
            SyscallProgram program,
            ProgramResult result,
            List<Emptying> emptyings,
            List<Listing> listings,
            Data buffer)
            throws BadReplyException {
        Optional<SyscallFailure> ended = result.failure(program);
        if (ended.isPresent()) {
            return failed(ended.get());
        }
        for (Emptying emptying : emptyings) {
            Optional<SyscallFailure> failure = read(result, emptying);
            if (failure.isPresent()) {
                return failed(failure.get());
            }
        }
        if (top.gone) {
            return new Exchange.Done<>(new Deleted());
        }
        List<Folder> listed = new ArrayList<>();
        ByteBuffer bytes = result.bytes(program, buffer);
        for (Listing listing : listings) {
            Folder folder = listing.folder();
            folder.listing = false;
            if (folder.gone) {
                continue;
            }
            Optional<SyscallFailure> failure =
                    listing.open() == null ? Optional.empty() : result.failureOf(listing.open());
            failure = failure.or(() -> result.failureOf(listing.list()));
            if (failure.isPresent()) {
                return failed(failure.get());
            }
            long length = result.of(listing.list());
            if (length > bytes.limit() - listing.offset()) {
                throw new BadReplyException("a listing of " + length + " bytes");
            }
            ByteBuffer own = bytes.slice(listing.offset(), (int) length).order(bytes.order());
            folder.found = DirectoryEntry.readAll(own, (int) length);
            listed.add(folder);
        }
        return next(listed);
    }

    /** What became of a folder and its entries; a failure that cannot be worked around. */
    private Optional<SyscallFailure> read(ProgramResult result, Emptying emptying) {
        Folder folder = emptying.folder();
        if (emptying.open() != null) {
            Optional<SyscallFailure> failure = result.failureOf(emptying.open());
            if (failure.isPresent()) {
                return failure;
            }
        }
        for (Removal removal : emptying.removals()) {
            Optional<SyscallFailure> failure = read(result, removal);
            if (failure.isPresent()) {
                return failure;
            }
        }
        Optional<SyscallFailure> failure = result.failureOf(emptying.rmdir());
        if (isGone(failure)) {
            folder.gone = true;
            return Optional.empty();
        }
        if (!isNotEmpty(failure) || folder.found.isEmpty()) {
            return failure; // it will never be empty when it looks so now
        }
        folder.found = List.of();
        if (folder != top) {
            remember(folder);
        }
        return Optional.empty();
    }

    private Optional<SyscallFailure> read(ProgramResult result, Removal removal) {
        Optional<SyscallFailure> failure = result.failureOf(removal.unlink());
        Folder folder = removal.folder();
        if (folder == null) {
            return isGone(failure) ? Optional.empty() : failure;
        }
        if (!isGone(failure)) {
            if (removal.rmdir() == null || !is(failure, Errno.EISDIR)) {
                return failure;
            }
            failure = result.failureOf(removal.rmdir());
        }
        if (isGone(failure)) {
            folder.gone = true;
            return Optional.empty();
        }
        if (!isNotEmpty(failure)) {
            return failure;
        }
        if (removal.rename() != null) {
            failure = result.failureOf(removal.rename());
            if (is(failure, Errno.EEXIST)) { // its next name will be another
                folder.gone = true;
                return Optional.empty();
            }
            if (failure.isPresent()) {
                return failure;
            }
        }
        remember(folder);
        return Optional.empty();
    }

    private void remember(Folder folder) {
        if (!folder.listing) {
            known.push(folder);
        }
    }

    private static boolean isGone(Optional<SyscallFailure> failure) {
        return failure.isEmpty() || is(failure, Errno.ENOENT);
    }

    private static boolean isNotEmpty(Optional<SyscallFailure> failure) {
        return is(failure, Errno.ENOTEMPTY);
    }

    private static boolean is(Optional<SyscallFailure> failure, Errno errno) {
        return failure.isPresent() && failure.get().errno().equals(errno);
    }

    private static Exchange<DeleteReply> failed(SyscallFailure failure) {
        return new Exchange.Done<>(
                failure.errno().equals(Errno.EXDEV)
                        ? Lookup.explained(
                                Failure.Kind.SYSCALL, failure, "something is mounted there")
                        : Lookup.failure(failure));
    }
}
