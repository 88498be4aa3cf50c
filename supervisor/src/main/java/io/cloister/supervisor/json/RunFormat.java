// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.json;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.StreamWriteFeature;
import com.fasterxml.jackson.core.json.JsonWriteFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.cloister.protocol.check.Check;
import io.cloister.protocol.run.Run;
import io.cloister.protocol.run.RunResult;
import io.cloister.protocol.unit.ByteSize;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.io.Reader;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.Optional;

/**
 * Requests and results as JSON documents of one line each; docs/run-format.md says what each field
 * means, and docs/run-format.schema.json says it to machines.
 *
 * <p>What is read takes memory in proportion to its length, and its length is bounded.
 */
public final class RunFormat {
    /** Longest document in bytes. */
    public static final ByteSize MAX_DOCUMENT = ByteSize.ofMiB(64);

    /** What is collected of a stream for which neither a bound nor an output limit is given. */
    public static final ByteSize DEFAULT_MAX = ByteSize.ofKiB(64);

    /** The deepest is a field of the size of a relay of a pipe. */
    private static final int MAX_DEPTH = 16;

    /** 16 MiB of content in base64, or each of its characters in one of UTF-16. */
    private static final int MAX_STRING = 24 << 20;

    private static final int MAX_DIGITS = 32;

    private static final JsonMapper MAPPER =
            JsonMapper.builder(
                            JsonFactory.builder()
                                    .streamReadConstraints(
                                            StreamReadConstraints.builder()
                                                    .maxDocumentLength(MAX_DOCUMENT.bytes())
                                                    .maxNestingDepth(MAX_DEPTH)
                                                    .maxStringLength(MAX_STRING)
                                                    .maxNumberLength(MAX_DIGITS)
                                                    .maxNameLength(2 * Check.MAX_PATH_BYTES)
                                                    .build())
                                    // Names of files are names of fields: not worth remembering.
                                    .disable(JsonFactory.Feature.CANONICALIZE_FIELD_NAMES)
                                    .disable(JsonFactory.Feature.INTERN_FIELD_NAMES)
                                    .disable(StreamWriteFeature.AUTO_CLOSE_TARGET)
                                    .disable(StreamWriteFeature.FLUSH_PASSED_TO_STREAM)
                                    .enable(JsonWriteFeature.COMBINE_UNICODE_SURROGATES_IN_UTF8)
                                    .build())
                    .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
                    .enable(DeserializationFeature.FAIL_ON_READING_DUP_TREE_KEY)
                    .build();

    private RunFormat() {}

    /**
     * Reads a request.
     *
     * @param document JSON in UTF-8
     * @throws BadRequestException saying what is wrong where
     */
    public static Run read(byte[] document) throws BadRequestException {
        JsonNode tree;
        // A decoder of our own: Jackson would take the bytes for UTF-16 if they look like it, and
        // let some malformed ones pass.
        try (Reader text =
                new InputStreamReader(
                        new ByteArrayInputStream(document), StandardCharsets.UTF_8.newDecoder())) {
            tree = MAPPER.readTree(text);
        } catch (CharacterCodingException e) {
            throw new BadRequestException("", "this is not UTF-8");
        } catch (JsonProcessingException e) {
            int column = Optional.ofNullable(e.getLocation()).map(l -> l.getColumnNr()).orElse(0);
            throw new BadRequestException(
                    "column " + column, "this is not JSON: " + e.getOriginalMessage());
        } catch (IOException e) {
            throw new BadRequestException("", "this cannot be read: " + e.getMessage());
        }
        return RunReader.run(tree);
    }

    /** Writes a result and a line feed. */
    public static void write(RunResult result, OutputStream out) throws IOException {
        try (JsonGenerator generator = MAPPER.createGenerator(out)) {
            new ResultWriter(generator).result(result);
            generator.writeRaw('\n');
        }
    }

    /**
     * Writes what is wrong with a request and a line feed.
     *
     * @param line the number of its line, counted from 1
     */
    public static void write(BadRequestException wrong, long line, OutputStream out)
            throws IOException {
        try (JsonGenerator generator = MAPPER.createGenerator(out)) {
            new ResultWriter(generator).error(wrong, line);
            generator.writeRaw('\n');
        }
    }

    /** The name of a descriptor in a document: stdin, stdout, stderr, else its number. */
    static String streamName(int descriptor) {
        return switch (descriptor) {
            case 0 -> "stdin";
            case 1 -> "stdout";
            case 2 -> "stderr";
            default -> Integer.toString(descriptor);
        };
    }
}
