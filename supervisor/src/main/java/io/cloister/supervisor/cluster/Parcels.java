// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.cluster;

import com.typesafe.config.Config;
import io.cloister.nativeio.fd.Fd;
import io.cloister.protocol.check.Check;
import io.cloister.protocol.kryo.ProtocolException;
import io.cloister.protocol.kryo.ProtocolKryo;
import io.cloister.protocol.message.Failure;
import io.cloister.protocol.run.Content;
import io.cloister.protocol.run.CopyIn;
import io.cloister.protocol.run.Program;
import io.cloister.protocol.run.ProgramOutcome;
import io.cloister.protocol.run.Run;
import io.cloister.protocol.run.RunResult;
import io.cloister.protocol.run.Stream;
import io.cloister.protocol.unit.Bytes;
import io.cloister.supervisor.io.FileException;
import io.cloister.supervisor.io.FileStore;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;

/** Packs runs and results for their way, large contents beside them. */
final class Parcels {
    /** What has more bytes of content than this is packed where blocking is allowed. */
    static final long PACKED_AT_ONCE = 64 * 1024;

    private static final Parcel NO_FILE = new Parcel.Inline(Bytes.EMPTY);

    private final ProtocolKryo kryo;
    private final FileStore store;

    /**
     * @param config says which version of the format others can read
     * @param store has room for what is too long for a message
     */
    Parcels(Config config, FileStore store) {
        kryo = new ProtocolKryo(ClusterSerializer.wireVersion(config));
        this.store = store;
    }

    /** Where the large contents are. */
    FileStore store() {
        return store;
    }

    /** How many bytes of content are in the run itself. */
    static long inlineBytes(Run run) {
        long bytes = 0;
        for (Content content : contents(run)) {
            bytes += content instanceof Content.Inline(Bytes inline) ? inline.length() : 0;
        }
        return bytes;
    }

    /** All that a run's programs are given to read. */
    private static List<Content> contents(Run run) {
        List<Content> contents = new ArrayList<>();
        for (Program program : run.programs()) {
            for (Stream stream : program.streams().values()) {
                if (stream instanceof Stream.Input(Content content)) {
                    contents.add(content);
                }
            }
            for (CopyIn file : program.copyIn()) {
                if (file instanceof CopyIn.File(String path, Content content, int mode)) {
                    contents.add(content);
                }
            }
        }
        return contents;
    }

    /**
     * A value of the protocol as a parcel; its bytes go into the store if there are many.
     *
     * @throws ProtocolException if it is longer than a message may be
     * @throws FileException if the store has no room for it
     */
    Parcel pack(Object value) throws ProtocolException, FileException, IOException {
        Bytes bytes = Bytes.wrap(kryo.write(value));
        return bytes.length() <= Parcel.MAX_INLINE
                ? new Parcel.Inline(bytes)
                : new Parcel.Filed(store.put(bytes));
    }

    /**
     * What is in a parcel.
     *
     * @throws ProtocolException if that is something else
     * @throws FileException if the store does not have it
     */
    <T> T unpack(Parcel parcel, Class<T> type)
            throws ProtocolException, FileException, IOException {
        return kryo.read(
                switch (parcel) {
                    case Parcel.Inline(Bytes bytes) -> bytes.toArray();
                    case Parcel.Filed(Content.Stored file) -> read(file);
                },
                type);
    }

    private byte[] read(Content.Stored file) throws FileException, IOException {
        Fd open =
                store.open(file.id())
                        .orElseThrow(() ->
                                new FileException(
                                        Failure.Kind.NOT_FOUND,
                                        file.id(),
                                        "not in this node's file store"));
        try (open) {
            return open.readUpTo(ProtocolKryo.MAX_BYTES + 1); // one byte more is refused
        }
    }

    /** The run with its large contents in the store. */
    static Run outsource(Run run, FileStore store) throws FileException, IOException {
        List<Program> programs = new ArrayList<>();
        for (Program program : run.programs()) {
            programs.add(outsource(program, store));
        }
        return new Run(run.id(), programs, run.pipes(), run.idle());
    }

    private static Program outsource(Program program, FileStore store)
            throws FileException, IOException {
        Map<Integer, Stream> streams = new HashMap<>();
        for (Map.Entry<Integer, Stream> stream : program.streams().entrySet()) {
            Check.that(
                    !(stream.getValue() instanceof Stream.Given),
                    "stream %d is given: descriptors do not leave their process"
                            .formatted(stream.getKey()));
            streams.put(
                    stream.getKey(),
                    stream.getValue() instanceof Stream.Input(Content content)
                            ? new Stream.Input(outsource(content, store))
                            : stream.getValue());
        }
        List<CopyIn> copyIn = new ArrayList<>();
        for (CopyIn file : program.copyIn()) {
            copyIn.add(
                    file instanceof CopyIn.File(String path, Content content, int mode)
                            ? new CopyIn.File(path, outsource(content, store), mode)
                            : file);
        }
        return new Program(
                program.arguments(),
                program.environment(),
                program.workDirectory(),
                streams,
                program.terminal(),
                program.controllingTerminal(),
                copyIn,
                program.copyOut(),
                program.limits(),
                program.seccomp());
    }

    private static Content outsource(Content content, FileStore store)
            throws FileException, IOException {
        return content instanceof Content.Inline(Bytes bytes)
                        && bytes.length() > Parcel.MAX_INLINE / 4
                ? store.put(bytes)
                : content;
    }

    /** The stored files that a run reads, and its parcel's. */
    static Set<String> files(Run run, Parcel parcel) {
        Set<String> files = files(parcel);
        contents(run).forEach(content -> addStored(files, content));
        return files;
    }

    /** The stored files that a result names, and its parcel's. */
    static Set<String> files(RunResult result, Parcel parcel) {
        Set<String> files = files(parcel);
        for (ProgramOutcome outcome : result.results()) {
            outcome.files().values().forEach(content -> addStored(files, content));
        }
        return files;
    }

    private static void addStored(Set<String> files, Content content) {
        if (content instanceof Content.Stored(String id)) {
            files.add(id);
        }
    }

    /** The stored files that a result names. */
    static Set<String> files(RunResult result) {
        return files(result, NO_FILE);
    }

    /** The file that a parcel is in, if it is in one. */
    static Set<String> files(Parcel parcel) {
        Set<String> files = new TreeSet<>();
        if (parcel instanceof Parcel.Filed(Content.Stored(String id))) {
            files.add(id);
        }
        return files;
    }
}
