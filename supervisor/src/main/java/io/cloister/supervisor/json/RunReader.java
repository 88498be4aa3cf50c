// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.json;

import static io.cloister.supervisor.json.Fields.at;
import static io.cloister.supervisor.json.Fields.converted;

import com.fasterxml.jackson.databind.JsonNode;
import io.cloister.protocol.check.Check;
import io.cloister.protocol.check.InvalidRequest;
import io.cloister.protocol.message.Execve;
import io.cloister.protocol.message.Seccomp;
import io.cloister.protocol.run.Content;
import io.cloister.protocol.run.CopyIn;
import io.cloister.protocol.run.CopyOut;
import io.cloister.protocol.run.Limits;
import io.cloister.protocol.run.PipeLink;
import io.cloister.protocol.run.Program;
import io.cloister.protocol.run.Run;
import io.cloister.protocol.run.Stream;
import io.cloister.protocol.run.Terminal;
import io.cloister.protocol.unit.ByteSize;
import io.cloister.protocol.unit.Bytes;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.regex.Pattern;

/** From a document to a {@link Run}. */
final class RunReader {
    private static final Pattern DESCRIPTOR = Pattern.compile("[1-9]\\d{0,3}");
    private static final Pattern MODE = Pattern.compile("[0-7]{3,5}");
    private static final String OPTIONAL_MARK = "?";
    private static final int STANDARD_STREAMS = 3;
    private static final int FILE_MODE = 0644;
    private static final int ROWS = 24;
    private static final int COLUMNS = 80;

    private record Numbered(int descriptor, Stream stream) {}

    private RunReader() {}

    static Run run(JsonNode document) throws BadRequestException {
        Fields fields = Fields.of(document, "");
        String id = fields.required("id", Fields::text);
        try {
            List<PipeLink> pipes = fields.list("pipes", Run.MAX_PIPES, RunReader::pipe);
            Set<PipeLink.End> piped = new HashSet<>();
            pipes.forEach(pipe -> piped.addAll(List.of(pipe.from(), pipe.to())));
            List<Program> programs = new ArrayList<>();
            for (JsonNode program :
                    fields.required("programs", array(Run.MAX_PROGRAMS, (value, at) -> value))) {
                int index = programs.size();
                programs.add(program(program, "programs[" + index + "]", index, piped));
            }
            Optional<Duration> idle = fields.duration("idle");
            fields.end();
            return at("", () -> new Run(id, programs, pipes, idle));
        } catch (BadRequestException wrong) {
            throw wrong.of(Optional.of(id).filter(RunReader::isId));
        }
    }

    private static boolean isId(String text) {
        try {
            return Check.filledText("run id", text, Run.MAX_ID_BYTES).equals(text);
        } catch (InvalidRequest e) {
            return false;
        }
    }

    private static <T> Fields.Reader<List<T>> array(int max, Fields.Reader<T> element) {
        return (value, at) -> Fields.list(value, at, max, element);
    }

    private static Program program(JsonNode node, String place, int index, Set<PipeLink.End> piped)
            throws BadRequestException {
        Fields fields = Fields.of(node, place);
        Fields.Reader<List<String>> strings = array(Execve.MAX_STRING_BYTES, Fields::text);
        Program.Builder program = Program.of(fields.required("args", strings));
        fields.optional("env", strings).ifPresent(program::environment);
        fields.text("workDirectory").ifPresent(program::workDirectory);
        Limits limits = fields.optional("limits", RunReader::limits).orElse(Limits.standard());
        program.limits(limits);
        ByteSize max = limits.output().orElse(RunFormat.DEFAULT_MAX);
        Optional<Terminal> terminal =
                fields.optional("terminal", (value, at) -> terminal(value, at, max));
        terminal.ifPresent(program::terminal);
        fields.optional("stdin", RunReader::input).ifPresent(input -> program.stream(0, input));
        for (int number = 1; number < STANDARD_STREAMS; number++) {
            Optional<Stream> output =
                    fields.optional(
                            RunFormat.streamName(number), (value, at) -> output(value, at, max));
            if (output.isEmpty()
                    && terminal.isEmpty()
                    && !piped.contains(new PipeLink.End(index, number))) {
                output = Optional.of(new Stream.Collect(max, false));
            }
            if (output.isPresent()) {
                program.stream(number, output.get());
            }
        }
        for (Numbered further : fields.optional("fds", descriptors(max)).orElse(List.of())) {
            program.stream(further.descriptor(), further.stream());
        }
        fields.optional(
                        "copyIn",
                        (value, at) -> Fields.all(value, at, Program.MAX_FILES, RunReader::copyIn))
                .ifPresent(files -> files.forEach(program::copyIn));
        fields.list("copyOut", Program.MAX_FILES, RunReader::copyOut).forEach(program::copyOut);
        fields.optional("seccomp", converted(Seccomp::new)).ifPresent(program::seccomp);
        fields.end();
        return at(place, program::build);
    }

    private static Limits limits(JsonNode node, String place) throws BadRequestException {
        Fields fields = Fields.of(node, place);
        Limits.Builder limits = Limits.builder();
        fields.duration("wallTime").ifPresent(limits::wallTime);
        fields.duration("cpuTime").ifPresent(limits::cpuTime);
        fields.size("memory").ifPresent(limits::memory);
        fields.integer("processes").ifPresent(limits::processes);
        fields.size("output").ifPresent(limits::output);
        fields.size("fileSize").ifPresent(limits::fileSize);
        fields.size("stack").ifPresent(limits::stack);
        fields.integer("openFiles").ifPresent(limits::openFiles);
        fields.size("addressSpace").ifPresent(limits::addressSpace);
        fields.size("dataSegment").ifPresent(limits::dataSegment);
        fields.size("diskSize").ifPresent(limits::diskSize);
        fields.integer("diskFiles").ifPresent(limits::diskFiles);
        fields.optional("cpuRate", converted(Cores::thousandths)).ifPresent(limits::cpuRate);
        fields.text("cpuSet").ifPresent(limits::cpuSet);
        limits.allowLess(fields.flag("allowLess"));
        fields.end();
        return at(place, limits::build);
    }

    private static Terminal terminal(JsonNode node, String place, ByteSize defaultMax)
            throws BadRequestException {
        Fields fields = Fields.of(node, place);
        OptionalInt rows = fields.integer("rows");
        OptionalInt columns = fields.integer("columns");
        Bytes input =
                fields.optional(
                                "input",
                                (value, at) -> {
                                    Fields typed = Fields.of(value, at);
                                    Optional<Bytes> bytes = bytes(typed);
                                    typed.end();
                                    return bytes.orElseThrow(
                                            () -> chooseOne(at, "content, base64"));
                                })
                        .orElse(Bytes.EMPTY);
        ByteSize max = fields.size("max").orElse(defaultMax);
        boolean truncate = fields.flag("truncate");
        fields.end();
        return at(
                place,
                () ->
                        new Terminal(
                                rows.orElse(ROWS), columns.orElse(COLUMNS), input, max, truncate));
    }

    private static Stream input(JsonNode node, String place) throws BadRequestException {
        Fields fields = Fields.of(node, place);
        Optional<Stream> stream = input(fields);
        fields.end();
        return stream.orElseThrow(() -> chooseOne(place, "content, base64, file, stored, null"));
    }

    private static Optional<Stream> input(Fields fields) throws BadRequestException {
        boolean none = isNull(fields);
        Optional<Content> content = content(fields);
        fields.atMostOne("content", "base64", "file", "stored", "null");
        return none ? Optional.of(new Stream.Null()) : content.map(Stream.Input::new);
    }

    private static Stream output(JsonNode node, String place, ByteSize defaultMax)
            throws BadRequestException {
        Fields fields = Fields.of(node, place);
        boolean none = isNull(fields);
        Optional<ByteSize> max = fields.size("max");
        boolean truncate = fields.flag("truncate");
        if (none) {
            fields.atMostOne("null", "max", "truncate");
        }
        fields.end();
        return none
                ? new Stream.Null()
                : at(place, () -> new Stream.Collect(max.orElse(defaultMax), truncate));
    }

    /** Descriptors beyond the standard streams: something to read, or something to write to. */
    private static Fields.Reader<List<Numbered>> descriptors(ByteSize defaultMax) {
        return (node, place) ->
                Fields.all(
                        node,
                        place,
                        Execve.MAX_DESCRIPTORS,
                        (name, value, at) -> {
                            if (!DESCRIPTOR.matcher(name).matches()
                                    || Integer.parseInt(name) < STANDARD_STREAMS) {
                                throw new BadRequestException(
                                        at,
                                        "a descriptor number from 3 on is needed: 0, 1 and 2 are"
                                                + " stdin, stdout and stderr");
                            }
                            boolean written = value.has("max") || value.has("truncate");
                            Stream stream =
                                    written ? output(value, at, defaultMax) : input(value, at);
                            return new Numbered(Integer.parseInt(name), stream);
                        });
    }

    private static boolean isNull(Fields fields) throws BadRequestException {
        if (!fields.has("null")) {
            return false;
        }
        if (!fields.flag("null")) {
            throw new BadRequestException(
                    fields.place(), "'null' can only be true: leave it out otherwise");
        }
        return true;
    }

    private static CopyIn copyIn(String path, JsonNode node, String place)
            throws BadRequestException {
        Fields fields = Fields.of(node, place);
        Optional<String> target = fields.text("symlink");
        Optional<Content> content = content(fields);
        Optional<Integer> mode = fields.optional("mode", RunReader::mode);
        fields.atMostOne("content", "base64", "file", "stored", "symlink");
        if (target.isPresent()) {
            fields.atMostOne("symlink", "mode");
        }
        fields.end();
        if (target.isPresent()) {
            return at(place, () -> new CopyIn.Link(path, target.get()));
        }
        Content file =
                content.orElseThrow(
                        () -> chooseOne(place, "content, base64, file, stored, symlink"));
        return at(place, () -> new CopyIn.File(path, file, mode.orElse(FILE_MODE)));
    }

    private static int mode(JsonNode node, String place) throws BadRequestException {
        String text = Fields.text(node, place);
        if (!MODE.matcher(text).matches()) {
            throw new BadRequestException(
                    place,
                    "the mode %s is not understood: write octal permission bits, for example 0755"
                            .formatted(Check.quoted(text)));
        }
        return Integer.parseInt(text, 8);
    }

    private static CopyOut copyOut(JsonNode node, String place) throws BadRequestException {
        if (node.isTextual()) {
            String name = node.textValue();
            return at(
                    place,
                    () ->
                            name.endsWith(OPTIONAL_MARK)
                                    ? CopyOut.optional(name.substring(0, name.length() - 1))
                                    : CopyOut.required(name));
        }
        Fields fields = Fields.of(node, place);
        String path = fields.required("path", Fields::text);
        boolean optional = fields.flag("optional");
        ByteSize max = fields.size("max").orElse(CopyOut.DEFAULT_MAX);
        boolean store = fields.flag("store");
        fields.end();
        return at(place, () -> new CopyOut(path, optional, max, store));
    }

    /** Nothing where the object has none of the fields. */
    private static Optional<Content> content(Fields fields) throws BadRequestException {
        Optional<Bytes> bytes = bytes(fields);
        Optional<Content> file = fields.optional("file", converted(Content.HostFile::new));
        Optional<Content> stored = fields.optional("stored", converted(Content.Stored::new));
        Optional<Content> inline =
                bytes.isPresent()
                        ? Optional.of(at(fields.place(), () -> new Content.Inline(bytes.get())))
                        : Optional.empty();
        return inline.or(() -> file).or(() -> stored);
    }

    private static Optional<Bytes> bytes(Fields fields) throws BadRequestException {
        Optional<Bytes> text = fields.optional("content", RunReader::utf8);
        Optional<Bytes> base64 = fields.optional("base64", RunReader::base64);
        return text.or(() -> base64);
    }

    private static Bytes utf8(JsonNode node, String place) throws BadRequestException {
        String text = Fields.text(node, place);
        try {
            ByteBuffer bytes = StandardCharsets.UTF_8.newEncoder().encode(CharBuffer.wrap(text));
            byte[] copy = new byte[bytes.remaining()];
            bytes.get(copy);
            return Bytes.wrap(copy);
        } catch (CharacterCodingException e) {
            throw new BadRequestException(
                    place,
                    "the text has half a surrogate pair, which has no UTF-8 form: use base64");
        }
    }

    private static Bytes base64(JsonNode node, String place) throws BadRequestException {
        String text = Fields.text(node, place);
        try {
            return Bytes.wrap(Base64.getDecoder().decode(text));
        } catch (IllegalArgumentException e) {
            throw new BadRequestException(
                    place, "this is no base64: use A-Z a-z 0-9 + / and = without line breaks");
        }
    }

    private static PipeLink pipe(JsonNode node, String place) throws BadRequestException {
        Fields fields = Fields.of(node, place);
        PipeLink.End from = fields.required("from", RunReader::end);
        PipeLink.End to = fields.required("to", RunReader::end);
        Optional<PipeLink.Relay> relay = fields.optional("relay", RunReader::relay);
        fields.end();
        return at(place, () -> new PipeLink(from, to, relay));
    }

    private static PipeLink.End end(JsonNode node, String place) throws BadRequestException {
        Fields fields = Fields.of(node, place);
        int program = fields.required("program", Fields::integer);
        int descriptor = fields.required("fd", Fields::integer);
        fields.end();
        return at(place, () -> new PipeLink.End(program, descriptor));
    }

    private static PipeLink.Relay relay(JsonNode node, String place) throws BadRequestException {
        Fields fields = Fields.of(node, place);
        ByteSize max = fields.size("max").orElse(RunFormat.DEFAULT_MAX);
        boolean transcript = fields.flag("transcript");
        fields.end();
        return at(place, () -> new PipeLink.Relay(max, transcript));
    }

    private static BadRequestException chooseOne(String place, String names) {
        return new BadRequestException(place, "one of these fields is needed: " + names);
    }
}
