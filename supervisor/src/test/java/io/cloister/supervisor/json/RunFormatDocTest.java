// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.json;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.cloister.protocol.message.Failure;
import io.cloister.protocol.run.Limit;
import io.cloister.protocol.run.Mechanism;
import io.cloister.protocol.run.MemorySource;
import io.cloister.protocol.run.Status;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The page, the schema and the code say the same. */
@Timeout(value = 60, unit = TimeUnit.SECONDS)
class RunFormatDocTest {
    private static final String STRANGER = "stranger";

    @Test
    void shouldReadAndFindValidEveryExampleOfThePage() throws Exception {
        int requests = 0;
        for (JsonNode example : Documents.examples()) {
            if (example.has("programs")) {
                requests++;
                Documents.assertValid("request", example);
                assertThat(RunFormat.read(bytes(example)).id())
                        .isEqualTo(example.get("id").textValue());
            } else {
                Documents.assertValid(example.has("error") ? "badLine" : "result", example);
            }
        }
        assertThat(requests).isGreaterThanOrEqualTo(3);
        assertThat(Documents.examples()).hasSizeGreaterThanOrEqualTo(requests + 3);
    }

    @ParameterizedTest
    @CsvSource({
        "request, ''",
        "program, /programs/0",
        "limits, /programs/0/limits",
        "input, /programs/0/stdin",
        "output, /programs/0/stdout",
        "output, /programs/0/fds/3",
        "copyIn, /programs/0/copyIn/a.py",
        "copyOut, /programs/0/copyOut/0",
        "terminal, /programs/1/terminal",
        "typed, /programs/1/terminal/input",
        "pipe, /pipes/0",
        "end, /pipes/0/from",
        "end, /pipes/0/to",
        "relay, /pipes/0/relay"
    })
    void shouldKnowTheFieldsOfARequestThatTheSchemaHas(String kind, String place) {
        JsonNode request =
                Documents.parse(
                        """
                        {"id": "1",
                         "programs": [
                           {"args": ["x"], "stdin": {"content": ""}, "stdout": {"max": "1B"},
                            "fds": {"3": {"max": "1B"}}, "copyIn": {"a.py": {"content": ""}},
                            "copyOut": [{"path": "x"}], "limits": {}},
                           {"args": ["x"], "terminal": {"input": {"content": ""}}}],
                         "pipes": [{"from": {"program": 0, "fd": 5}, "to": {"program": 0, "fd": 6},
                                    "relay": {}}]}
                        """);
        Documents.assertValid("request", request);
        ((ObjectNode) request.at(place)).put(STRANGER, 1);

        BadRequestException wrong =
                catchThrowableOfType(
                        BadRequestException.class, () -> RunFormat.read(bytes(request)));

        String start = "there is no field \"" + STRANGER + "\"; possible are ";
        assertThat(wrong.reason()).startsWith(start);
        assertThat(wrong.reason().substring(start.length()).split(", "))
                .containsExactlyInAnyOrderElementsOf(properties(kind));
        assertThat(Documents.complaints("request", request)).isNotEmpty();
    }

    @Test
    void shouldWriteTheFieldsOfAResultThatTheSchemaHas() throws IOException {
        Set<String> outcome = new HashSet<>();
        Set<String> failure = new HashSet<>();
        Set<String> evidence = new HashSet<>();
        JsonNode result = Documents.written(Outcomes.everything());
        Documents.assertValid("result", result);
        result.get("results")
                .forEach(each -> {
                    outcome.addAll(names(each));
                    failure.addAll(names(each.path("failure")));
                    evidence.addAll(names(each.path("evidence")));
                });

        assertThat(names(result)).isEqualTo(properties("result"));
        assertThat(outcome).isEqualTo(properties("outcome"));
        assertThat(failure).isEqualTo(properties("failure"));
        assertThat(evidence).isEqualTo(properties("evidence"));
    }

    @Test
    void shouldWriteTheFieldsOfABadLineThatTheSchemaHas() throws IOException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        RunFormat.write(new BadRequestException("programs", "none"), 3, out);
        JsonNode line = Documents.parse(out.toString(StandardCharsets.UTF_8));

        Documents.assertValid("badLine", line);
        assertThat(names(line)).isEqualTo(properties("badLine"));
        assertThat(line.get("id").isNull()).isTrue();
        assertThat(line.get("line").intValue()).isEqualTo(3);
    }

    @Test
    void shouldNameEveryConstantInTheSchema() {
        assertThat(constants("/$defs/outcome/properties/status"))
                .isEqualTo(all(Status.values(), Status::name));
        assertThat(constants("/$defs/outcome/properties/memorySource"))
                .isEqualTo(all(MemorySource.values(), MemorySource::text));
        assertThat(constants("/$defs/limitName")).isEqualTo(all(Limit.values(), Limit::text));
        assertThat(constants("/$defs/mechanism"))
                .isEqualTo(all(Mechanism.values(), Mechanism::text));
        Pattern kind =
                Pattern.compile(
                        Documents.schema()
                                .at("/$defs/failure/properties/kind/pattern")
                                .textValue());
        assertThat(Failure.Kind.values()).allMatch(k -> kind.matcher(k.name()).matches());
    }

    @Test
    void shouldExplainEveryFieldAndStatusOnThePage() {
        Set<String> wanted = new TreeSet<>();
        Documents.schema()
                .get("$defs")
                .forEach(kind -> wanted.addAll(names(kind.path("properties"))));
        wanted.addAll(all(Status.values(), Status::name));
        wanted.addAll(all(MemorySource.values(), MemorySource::text));
        List<String> explained =
                Documents.page()
                        .lines()
                        .filter(line -> line.startsWith("| "))
                        .collect(Collectors.toList());

        assertThat(wanted)
                .allSatisfy(name ->
                        assertThat(explained)
                                .as(name)
                                .anyMatch(line -> line.contains("`" + name + "`")));
    }

    private static byte[] bytes(JsonNode document) {
        return document.toString().getBytes(StandardCharsets.UTF_8);
    }

    private static Set<String> properties(String kind) {
        JsonNode properties = Documents.schema().at("/$defs/" + kind + "/properties");
        assertThat(properties.isObject()).as(kind).isTrue();
        return names(properties);
    }

    private static Set<String> names(JsonNode object) {
        Set<String> names = new TreeSet<>();
        object.fieldNames().forEachRemaining(names::add);
        return names;
    }

    private static Set<String> constants(String place) {
        Set<String> names = new TreeSet<>();
        Documents.schema().at(place).get("enum").forEach(name -> names.add(name.textValue()));
        return names;
    }

    private static <E> Set<String> all(E[] values, java.util.function.Function<E, String> name) {
        return Arrays.stream(values).map(name).collect(Collectors.toCollection(TreeSet::new));
    }
}
