// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.json;

import com.fasterxml.jackson.databind.JsonNode;
import io.cloister.protocol.check.Check;
import io.cloister.protocol.check.InvalidRequest;
import io.cloister.protocol.unit.ByteSize;
import io.cloister.protocol.unit.DurationText;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.function.Function;
import java.util.function.Supplier;

/**
 * An object of a document. Every field is asked for by name; {@link #end} refuses those that nobody
 * asked for.
 */
final class Fields {
    /** Reads a value that stands at a place. */
    @FunctionalInterface
    interface Reader<T> {
        T read(JsonNode value, String place) throws BadRequestException;
    }

    /** Reads the value of a field whose name is the request's own. */
    @FunctionalInterface
    interface NamedReader<T> {
        T read(String name, JsonNode value, String place) throws BadRequestException;
    }

    private final JsonNode node;
    private final String place;
    private final Set<String> known = new LinkedHashSet<>();

    private Fields(JsonNode node, String place) {
        this.node = node;
        this.place = place;
    }

    static Fields of(JsonNode node, String place) throws BadRequestException {
        return new Fields(expect(node, node.isObject(), "an object", place), place);
    }

    String place() {
        return place;
    }

    boolean has(String name) {
        known.add(name);
        return node.has(name);
    }

    <T> Optional<T> optional(String name, Reader<T> reader) throws BadRequestException {
        return has(name) ? Optional.of(reader.read(node.get(name), below(name))) : Optional.empty();
    }

    <T> T required(String name, Reader<T> reader) throws BadRequestException {
        Optional<T> value = optional(name, reader);
        if (value.isEmpty()) {
            throw new BadRequestException(place, "the field '" + name + "' is missing: give it");
        }
        return value.get();
    }

    <T> List<T> list(String name, int max, Reader<T> reader) throws BadRequestException {
        return optional(name, (value, at) -> list(value, at, max, reader)).orElse(List.of());
    }

    Optional<String> text(String name) throws BadRequestException {
        return optional(name, Fields::text);
    }

    boolean flag(String name) throws BadRequestException {
        return optional(
                        name,
                        (value, at) ->
                                expect(value, value.isBoolean(), "true or false", at)
                                        .booleanValue())
                .orElse(false);
    }

    OptionalInt integer(String name) throws BadRequestException {
        Optional<Integer> value = optional(name, Fields::integer);
        return value.isPresent() ? OptionalInt.of(value.get()) : OptionalInt.empty();
    }

    Optional<Duration> duration(String name) throws BadRequestException {
        return optional(name, converted(DurationText::parse));
    }

    Optional<ByteSize> size(String name) throws BadRequestException {
        return optional(name, converted(ByteSize::parse));
    }

    /** All fields of an object whose names are the request's own, in their order. */
    static <T> List<T> all(JsonNode node, String place, int max, NamedReader<T> reader)
            throws BadRequestException {
        expect(node, node.isObject(), "an object", place);
        refuseMore(node.size(), max, place);
        List<T> values = new ArrayList<>(node.size());
        for (Map.Entry<String, JsonNode> field : node.properties()) {
            String at = place + "[" + Check.quoted(field.getKey()) + "]";
            values.add(reader.read(field.getKey(), field.getValue(), at));
        }
        return values;
    }

    static <T> List<T> list(JsonNode node, String place, int max, Reader<T> reader)
            throws BadRequestException {
        expect(node, node.isArray(), "an array", place);
        refuseMore(node.size(), max, place);
        List<T> values = new ArrayList<>(node.size());
        for (int i = 0; i < node.size(); i++) {
            values.add(reader.read(node.get(i), place + "[" + i + "]"));
        }
        return values;
    }

    static String text(JsonNode node, String place) throws BadRequestException {
        return expect(node, node.isTextual(), "a string", place).textValue();
    }

    static int integer(JsonNode node, String place) throws BadRequestException {
        return expect(
                        node,
                        node.isIntegralNumber() && node.canConvertToInt(),
                        "a whole number up to 2^31 - 1",
                        place)
                .intValue();
    }

    /** A string that something else understands. */
    static <T> Reader<T> converted(Function<String, T> conversion) {
        return (value, at) -> {
            String text = text(value, at);
            return at(at, () -> conversion.apply(text));
        };
    }

    /** Makes a value of the protocol; what its constructor refuses is wrong at this place. */
    static <T> T at(String place, Supplier<T> construction) throws BadRequestException {
        try {
            return construction.get();
        } catch (InvalidRequest refused) {
            throw new BadRequestException(place, String.valueOf(refused.getMessage()));
        }
    }

    /** Refuses two of these fields together. */
    void atMostOne(String... names) throws BadRequestException {
        List<String> found = Arrays.stream(names).filter(node::has).toList();
        if (found.size() > 1) {
            throw new BadRequestException(
                    place, "the fields %s exclude each other: keep one".formatted(found));
        }
    }

    /** Refuses every field that was not asked for. */
    void end() throws BadRequestException {
        for (Map.Entry<String, JsonNode> field : node.properties()) {
            if (!known.contains(field.getKey())) {
                throw new BadRequestException(
                        place,
                        "there is no field %s; possible are %s"
                                .formatted(Check.quoted(field.getKey()), String.join(", ", known)));
            }
        }
    }

    private String below(String name) {
        return place.isEmpty() ? name : place + "." + name;
    }

    private static void refuseMore(int size, int max, String place) throws BadRequestException {
        if (size > max) {
            throw new BadRequestException(
                    place, "%d entries, at most %d are possible: shorten it".formatted(size, max));
        }
    }

    private static JsonNode expect(JsonNode node, boolean good, String what, String place)
            throws BadRequestException {
        if (!good) {
            String found =
                    switch (node.getNodeType()) {
                        case OBJECT -> "an object";
                        case ARRAY -> "an array";
                        case STRING -> "a string";
                        case NUMBER -> "the number " + Check.quoted(node.asText());
                        case BOOLEAN -> node.asText();
                        default -> "null";
                    };
            throw new BadRequestException(place, "%s is needed, not %s".formatted(what, found));
        }
        return node;
    }
}
