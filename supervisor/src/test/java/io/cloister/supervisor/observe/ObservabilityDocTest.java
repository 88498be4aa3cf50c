// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.observe;

import static org.assertj.core.api.Assertions.assertThat;

import akka.actor.testkit.typed.javadsl.ActorTestKit;
import io.micrometer.core.instrument.Meter;
import io.micrometer.core.instrument.Tag;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.io.IOException;
import java.lang.reflect.Modifier;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import jdk.jfr.Event;
import jdk.jfr.EventType;
import jdk.jfr.ValueDescriptor;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** docs/observability.md and the code say the same. */
class ObservabilityDocTest {
    private static final Pattern CODE = Pattern.compile("`([^`]+)`");
    private static final Set<String> OF_EVERY_EVENT =
            Set.of("startTime", "duration", "eventThread", "stackTrace");

    private static ActorTestKit kit;
    private static SimpleMeterRegistry registry;

    @BeforeAll
    static void bind() {
        kit = ActorTestKit.create();
        registry = new SimpleMeterRegistry();
        new CloisterMeters(kit.system()).bindTo(registry);
    }

    @AfterAll
    static void stop() {
        kit.shutdownTestKit();
    }

    @Test
    void shouldListEveryMeterWithItsTypeUnitAndTags() throws IOException {
        Map<String, List<String>> meters = new TreeMap<>();
        for (Meter meter : registry.getMeters()) {
            Meter.Id id = meter.getId();
            String type = id.getType().name().toLowerCase(Locale.ROOT);
            String tags = id.getTags().stream().map(Tag::getKey).collect(Collectors.joining(" "));
            meters.put(id.getName(), List.of(type, tags));
            assertThat(id.getDescription()).as(id.getName()).isNotBlank();
        }
        Map<String, List<String>> listed = new TreeMap<>();
        for (List<String> cells : rows("`cloister.")) {
            String type = cells.get(1);
            listed.put(code(cells.getFirst()), List.of(type, codes(cells.get(3))));
            assertThat(cells.get(2).equals("seconds"))
                    .as(cells.toString())
                    .isEqualTo(type.equals("timer"));
        }

        assertThat(listed).isEqualTo(meters);
    }

    @Test
    void shouldListEveryValueOfEveryTag() throws IOException {
        Map<String, Set<String>> values = new TreeMap<>();
        registry.getMeters().stream()
                .flatMap(meter -> meter.getId().getTags().stream())
                .filter(tag -> !tag.getKey().equals("status")) // as in the runs' format
                .forEach(tag ->
                        values.computeIfAbsent(tag.getKey(), key -> new TreeSet<>())
                                .add(tag.getValue()));
        Map<String, Set<String>> listed = new TreeMap<>();
        for (List<String> cells : rows("`cloister.")) {
            String tag = codes(cells.get(3));
            if (!tag.isEmpty() && !tag.equals("status")) {
                listed.put(tag, new TreeSet<>(List.of(codes(cells.get(4)).split(" "))));
            }
        }
        listed.put("reason", reasons());

        assertThat(listed).isEqualTo(values);
    }

    private static Set<String> reasons() throws IOException {
        return page().lines()
                .dropWhile(line -> !line.startsWith("| reason"))
                .skip(2)
                .takeWhile(line -> line.startsWith("|"))
                .map(line -> code(cells(line).getFirst()))
                .collect(Collectors.toCollection(TreeSet::new));
    }

    @Test
    void shouldListEveryEventWithItsFields() throws IOException {
        Map<String, Set<String>> events = new TreeMap<>();
        for (Class<? extends Event> each : Events.ALL) {
            EventType type = EventType.getEventType(each);
            events.put(
                    type.getName(),
                    type.getFields().stream()
                            .map(ValueDescriptor::getName)
                            .filter(name -> !OF_EVERY_EVENT.contains(name))
                            .collect(Collectors.toCollection(TreeSet::new)));
        }
        Map<String, Set<String>> listed = new TreeMap<>();
        for (List<String> cells : rows("`io.cloister.")) {
            listed.put(
                    code(cells.getFirst()), new TreeSet<>(List.of(codes(cells.get(1)).split(" "))));
        }

        assertThat(listed).isEqualTo(events);
        assertThat(Events.ALL).hasSameSizeAs(eventClasses());
    }

    private static List<Class<?>> eventClasses() {
        return Arrays.stream(Events.class.getDeclaredClasses())
                .filter(each -> !Modifier.isAbstract(each.getModifiers()))
                .toList();
    }

    @Test
    void shouldListEveryNameOfTheDiagnosticContext() throws IOException {
        Set<String> listed =
                page().lines()
                        .dropWhile(line -> !line.startsWith("| MDC name"))
                        .skip(2)
                        .takeWhile(line -> line.startsWith("|"))
                        .map(line -> code(cells(line).getFirst()))
                        .collect(Collectors.toSet());

        assertThat(listed).containsExactlyInAnyOrder(LogIds.RUN, LogIds.CONTAINER, LogIds.ATTEMPT);
    }

    /** Cloister's own class files name Micrometer's in one place, which nothing else loads. */
    @Test
    void shouldKnowMicrometerInOnePlace() throws Exception {
        Path classes =
                Path.of(
                        CloisterMeters.class
                                .getProtectionDomain()
                                .getCodeSource()
                                .getLocation()
                                .toURI());
        Set<String> knowing = new TreeSet<>();
        Set<String> known = new TreeSet<>();
        try (Stream<Path> files = Files.walk(classes.resolve("io/cloister/supervisor"))) {
            for (Path file : files.filter(each -> each.toString().endsWith(".class")).toList()) {
                String bytes = Files.readString(file, StandardCharsets.ISO_8859_1);
                String name = file.getFileName().toString().replaceAll("[$.].*", "");
                if (name.endsWith("Test")) { // where tests are compiled into the same directory
                    continue;
                }
                if (bytes.contains("io/micrometer/")) {
                    knowing.add(name);
                }
                if (bytes.contains("observe/CloisterMeters")) {
                    known.add(name);
                }
            }
        }

        assertThat(knowing).containsExactly("CloisterMeters");
        assertThat(known).containsExactly("CloisterMeters");
    }

    // ---- the page ----------------------------------------------------------------------------

    private static List<List<String>> rows(String beginning) throws IOException {
        return page().lines()
                .filter(line -> line.startsWith("| " + beginning))
                .map(ObservabilityDocTest::cells)
                .toList();
    }

    private static List<String> cells(String row) {
        return Arrays.stream(row.substring(1).split("\\|")).map(String::strip).toList();
    }

    private static String code(String cell) {
        Matcher matcher = CODE.matcher(cell);
        assertThat(matcher.find()).as(cell).isTrue();
        return matcher.group(1);
    }

    private static String codes(String cell) {
        return CODE.matcher(cell)
                .results()
                .map(found -> found.group(1))
                .collect(Collectors.joining(" "));
    }

    private static String page() throws IOException {
        Path directory = Path.of("").toAbsolutePath();
        while (!Files.exists(directory.resolve("docs/observability.md"))) {
            directory = directory.getParent();
        }
        return Files.readString(directory.resolve("docs/observability.md"));
    }
}
