// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.json;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.networknt.schema.Schema;
import com.networknt.schema.SchemaRegistry;
import com.networknt.schema.SpecificationVersion;
import io.cloister.protocol.run.RunResult;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** docs/run-format.md and its schema. */
final class Documents {
    private static final ObjectMapper MAPPER = new ObjectMapper();
    private static final Pattern EXAMPLE = Pattern.compile("```json\n(.*?)```", Pattern.DOTALL);

    private Documents() {}

    static String page() {
        return text("run-format.md");
    }

    static JsonNode schema() {
        return parse(text("run-format.schema.json"));
    }

    /** All examples of the page. */
    static List<JsonNode> examples() {
        List<JsonNode> examples = new ArrayList<>();
        Matcher matcher = EXAMPLE.matcher(page());
        while (matcher.find()) {
            examples.add(parse(matcher.group(1)));
        }
        return examples;
    }

    /** What the schema has against a document of this kind: request, result or badLine. */
    static List<String> complaints(String kind, JsonNode document) {
        ObjectNode schema = schema().deepCopy();
        schema.remove("anyOf");
        schema.put("$ref", "#/$defs/" + kind);
        Schema compiled =
                SchemaRegistry.withDefaultDialect(SpecificationVersion.DRAFT_2020_12)
                        .getSchema(schema);
        return compiled.validate(document).stream().map(Object::toString).toList();
    }

    static void assertValid(String kind, JsonNode document) {
        assertThat(complaints(kind, document)).as(document.toPrettyString()).isEmpty();
    }

    static JsonNode written(RunResult result) throws IOException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        RunFormat.write(result, out);
        assertThat(out.toString(StandardCharsets.UTF_8)).endsWith("}\n").containsOnlyOnce("\n");
        return parse(out.toString(StandardCharsets.UTF_8));
    }

    static JsonNode parse(String text) {
        try {
            return MAPPER.readTree(text);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static String text(String name) {
        try {
            Path directory = Path.of("").toAbsolutePath();
            while (!Files.exists(directory.resolve("docs").resolve(name))) {
                directory = directory.getParent();
                assertThat(directory).as("the directory above docs/" + name).isNotNull();
            }
            return Files.readString(directory.resolve("docs").resolve(name));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
