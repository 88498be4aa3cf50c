// SPDX-License-Identifier: Apache-2.0
package io.cloister.it.bench;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Collectors;

/** The rows, for people and for programs. */
record Report(LocalDate day, Machine machine, List<Row> rows) {
    private static final List<String> HEADINGS =
            List.of("what", "Cloister p50 / p90 / p99", "C p50 / p90 / p99", "result", "bar", "");
    private static final String GAP = "  ";

    static Report today(Machine machine, List<Row> rows) {
        return new Report(LocalDate.now(ZoneOffset.UTC), machine, rows);
    }

    /** One line for each bar that is missed. */
    List<String> misses() {
        return rows.stream()
                .filter(Row::isMissed)
                .map(row ->
                        "%s: %s is %s, the bar is %s"
                                .formatted(
                                        row.title(),
                                        row.meaning(),
                                        row.unit().format(row.value()),
                                        row.bar().orElseThrow().describe(row.unit())))
                .toList();
    }

    private static List<String> cells(Row row) {
        return List.of(
                row.title(),
                row.cloister().map(Distribution::describe).orElse(""),
                row.baseline().map(Distribution::describe).orElse(""),
                row.meaning() + " " + row.unit().format(row.value()),
                row.bar().map(bar -> bar.describe(row.unit())).orElse(""),
                row.verdict());
    }

    /** Columns for a terminal. */
    String table() {
        List<List<String>> lines = new ArrayList<>(List.of(HEADINGS));
        rows.forEach(row -> lines.add(cells(row)));
        StringBuilder text = new StringBuilder(machine.describe()).append("\n\n");
        for (List<String> line : lines) {
            StringBuilder row = new StringBuilder();
            for (int column = 0; column < line.size(); column++) {
                int at = column;
                int width = lines.stream().mapToInt(l -> l.get(at).length()).max().orElse(0);
                row.append(line.get(column))
                        .append(" ".repeat(width - line.get(column).length()))
                        .append(GAP);
            }
            text.append(row.toString().stripTrailing()).append('\n');
        }
        rows.stream()
                .filter(row -> !row.note().isEmpty())
                .forEach(row ->
                        text.append('\n').append(row.title()).append(": ").append(row.note()));
        return text.append('\n').toString();
    }

    /** One object; times in microseconds. */
    String json() {
        ObjectMapper mapper = new ObjectMapper().enable(SerializationFeature.INDENT_OUTPUT);
        ObjectNode report = mapper.createObjectNode();
        report.put("day", day.toString());
        ObjectNode where = report.putObject("machine");
        where.put("processor", machine.processor())
                .put("processors", machine.processors())
                .put("virtual", machine.virtual())
                .put("memoryMiB", machine.memoryMiB())
                .put("kernel", machine.kernel())
                .put("java", machine.java())
                .put("root", machine.root())
                .put("load", machine.load());
        ArrayNode list = report.putArray("rows");
        for (Row row : rows) {
            ObjectNode node = list.addObject();
            node.put("id", row.id())
                    .put("title", row.title())
                    .put("meaning", row.meaning())
                    .put("value", rounded(row.value()))
                    .put("unit", row.unit().name().toLowerCase(Locale.ROOT));
            row.cloister().ifPresent(times -> put(node.putObject("cloister"), times));
            row.baseline().ifPresent(times -> put(node.putObject("baseline"), times));
            row.bar().ifPresent(bar -> put(node, bar));
            if (row.bar().isPresent()) {
                node.put("met", !row.isMissed());
            }
            node.put("note", row.note());
        }
        report.put("missed", misses().size());
        try {
            return mapper.writeValueAsString(report) + "\n";
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("a tree of plain values cannot be written", e);
        }
    }

    private static void put(ObjectNode node, Distribution times) {
        node.put("count", times.count())
                .put("p50", rounded(times.p50()))
                .put("p90", rounded(times.p90()))
                .put("p99", rounded(times.p99()))
                .put("max", rounded(times.max()));
    }

    private static void put(ObjectNode row, Bar bar) {
        ObjectNode node = row.putObject("bar");
        node.put(bar.floor() ? "atLeast" : "atMost", bar.limit());
        bar.aim().ifPresent(aim -> node.put("aim", aim));
    }

    private static double rounded(double value) {
        return Math.rint(value * 1000) / 1000;
    }

    /**
     * The page docs/benchmarks.md.
     *
     * @param plot the file name of its plot
     */
    String page(String plot) {
        StringBuilder table = new StringBuilder();
        table.append("| ").append(String.join(" | ", HEADINGS)).append(" |\n");
        table.append("|---".repeat(HEADINGS.size())).append("|\n");
        for (Row row : rows) {
            table.append("| ").append(String.join(" | ", cells(row))).append(" |\n");
        }
        String notes =
                rows.stream()
                        .filter(row -> !row.note().isEmpty())
                        .map(row -> "- " + row.title() + ": " + row.note() + "\n")
                        .collect(Collectors.joining());
        return """
        <!-- SPDX-License-Identifier: Apache-2.0 -->
        <!-- Written by `./cloister bench --publish docs`: change the bench, not this page. -->
        # Benchmarks

        Measured on %s by `./cloister bench`, on %s.

        %s
        %s
        ![Each result as a part of its bar](%s)

        Each line of the plot has its own scale, on which the bar stands at the same place: a \
        result that ends before it is within the bar. The thin line reaches to the 99th \
        percentile; grey is the C program.

        ## Method

        - **Both contenders in one loop.** Each round measures the C program once and Cloister \
        once, in turns, so that whatever else happens on the machine befalls both. The first \
        rounds are not counted; %d (execve) and %d (create) are. Of runs that is until the JVM has \
        compiled what they need: a worker gets there within seconds.
        - **Through the messages that a user sends.** An actor on the containers' dispatcher, as \
        `ContainerSupervisor.DISPATCHER` advises, sends the request and takes the \
        time until the reply is in its hands: routing, encoding, the socket, init, decoding and \
        every wake-up of a thread are in it. Because of the turns each request finds the worker \
        asleep, as it would between two jobs; only pings, and resets of nothing, follow each \
        other directly.
        - **With the default policy.** The default seccomp profile, six resource limits, the switch \
        to the program's user, a new session, and after the program's end the killing and reaping \
        of whatever may be left.
        - **Against C by hand.** `integration-tests/src/main/c/baseline.c` does the same with the \
        same system calls and times only the operation itself, without any message: vfork, execve \
        and wait4 without any policy; a container with the same mounts, links and masks; umount \
        and mount of the same tmpfs.
        - **execve of a program without libc** measures what Cloister adds to the bare kernel's \
        work; start-up of the C library, part of both sides of the first row, makes ratios look \
        good.
        - **Resets**: of 1,000 files after a program has made them; after a run of the first row, \
        which made none; and of nothing, where no program ran since the last.
        - **Two containers against one**: how many runs of `/bin/true` two clients get done in the \
        time in which one client does as many as each of them. The C program's own gain says \
        what the machine has to give.
        - **Whole runs** are messages to `RunService`: limits of CPU time, memory and processes \
        by control groups, the default profile, both streams collected, a container of the pool. \
        After a rest both contenders have rested.
        - **Through the service**: the same commands over the socket of a `cloister serve` in \
        another process, against those in the worker's own.
        - **From another JVM**: two nodes of a cluster on the loopback interface, one the worker \
        with the queue, the other the client. Throughput is that of 32 runs under way at a time, \
        with a client in either. They share the machine's cores.
        - **Memory**: private pages of init from `smaps_rollup`; of the worker, the growth of its \
        resident set by a hundred more idle containers after garbage collection, once as many have \
        come and gone one by one: the median of groups of twenty. Kernel memory is in neither.

        Run it on your machine: `./cloister bench`; `--check` fails below a bar, `--json` is for \
        programs, `--only` measures a part, `--quick` is for the impatient.
        """
                .formatted(
                        day,
                        machine.describe(),
                        table,
                        notes,
                        plot,
                        rounds("execve"),
                        rounds("create"));
    }

    private long rounds(String id) {
        return rows.stream()
                .filter(row -> row.id().equals(id))
                .map(Row::cloister)
                .flatMap(Optional::stream)
                .mapToLong(Distribution::count)
                .findFirst()
                .orElse(0);
    }
}
