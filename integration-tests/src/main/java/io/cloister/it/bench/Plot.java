// SPDX-License-Identifier: Apache-2.0
package io.cloister.it.bench;

import java.util.List;
import java.util.Locale;
import java.util.Optional;

/**
 * The rows as an SVG: for each row with a bar its result as a part of that bar, so that
 * microseconds, ratios and kilobytes share one axis. Readable on light and on dark pages.
 */
final class Plot {
    private static final int WIDTH = 900;
    private static final int LEFT = 250;
    private static final int RIGHT = 190;
    private static final int TOP = 56;
    private static final int ROW = 46;
    private static final int THICKNESS = 13;

    /** Where the axis ends, in bars. */
    private static final double END = 1.6;

    private static final String STYLE =
            """
            <style>
              text { font: 13px system-ui, sans-serif; fill: #24292f; }
              .small { font-size: 11px; fill: #57606a; }
              .cloister { fill: #2f6fde; } .c { fill: #9aa4af; }
              .missed { fill: #cf3d3d; }
              .whisker { stroke: #24292f; stroke-width: 1.5; }
              .bar { stroke: #cf3d3d; stroke-width: 1.5; stroke-dasharray: 5 3; }
              .aim { stroke: #2da44e; stroke-width: 2; }
              .grid { stroke: #d0d7de; stroke-width: 1; }
              @media (prefers-color-scheme: dark) {
                text { fill: #e6edf3; } .small { fill: #9198a1; }
                .cloister { fill: #5a96ff; } .c { fill: #6e7781; }
                .whisker { stroke: #e6edf3; } .grid { stroke: #30363d; }
                .bar { stroke: #ff7b72; } .aim { stroke: #3fb950; } .missed { fill: #ff7b72; }
              }
            </style>
            """;

    private final StringBuilder svg = new StringBuilder();
    private int y = TOP;

    private Plot() {}

    static String of(Report report) {
        return new Plot().draw(report);
    }

    private String draw(Report report) {
        List<Row> rows = report.rows().stream().filter(row -> row.bar().isPresent()).toList();
        int height = TOP + rows.size() * ROW + 40;
        svg.append(
                String.format(
                        Locale.ROOT,
                        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" role=\"img\""
                                + " aria-label=\"Cloister's results as parts of their bars\">%n",
                        WIDTH,
                        height));
        svg.append(STYLE);
        legend();
        int bottom = TOP + rows.size() * ROW;
        for (double mark = 0; mark < END; mark += 0.5) {
            line("grid", x(mark), TOP - 8, x(mark), bottom);
            text("small", x(mark), bottom + 16, "middle", mark == 0 ? "0" : percent(mark));
        }
        rows.forEach(this::row);
        line("bar", x(1), TOP - 8, x(1), bottom);
        text("small", x(1), bottom + 32, "middle", "the bar");
        svg.append("</svg>\n");
        return svg.toString();
    }

    private static String percent(double part) {
        return String.format(Locale.ROOT, "%.0f %%", part * 100);
    }

    private void legend() {
        box("cloister", LEFT, 12, 22, THICKNESS);
        text("", LEFT + 28, 23, "start", "Cloister, p50");
        box("c", LEFT + 130, 12, 22, THICKNESS);
        text("", LEFT + 158, 23, "start", "C by hand, p50");
        line("whisker", LEFT + 270, 18, LEFT + 296, 18);
        text("", LEFT + 302, 23, "start", "to p99");
        line("aim", LEFT + 366, 10, LEFT + 366, 27);
        text("", LEFT + 374, 23, "start", "aim");
    }

    private void row(Row row) {
        Bar bar = row.bar().orElseThrow();
        Scale scale = scale(row, bar);
        int middle = y + ROW / 2 - 4;
        text("", LEFT - 12, middle + 1, "end", row.title());
        text("small", LEFT - 12, middle + 15, "end", row.meaning());

        boolean paired = row.baseline().isPresent();
        int top = paired ? middle - THICKNESS : middle - THICKNESS / 2;
        double value = row.value() / bar.limit();
        double shown = row.cloister().map(times -> scale.of(times.p50())).orElse(value);
        bar(row.isMissed() ? "missed" : "cloister", top, shown, row.cloister(), scale);
        row.baseline()
                .ifPresent(times ->
                        bar("c", middle + 2, scale.of(times.p50()), row.baseline(), scale));
        bar.aim()
                .ifPresent(aim -> {
                    double at = scale.mark(aim);
                    line("aim", x(at), top - 4, x(at), top + THICKNESS + 4);
                });
        text("", WIDTH - RIGHT + 14, middle + 1, "start", row.unit().format(row.value()));
        text("small", WIDTH - RIGHT + 14, middle + 15, "start", bar.describe(row.unit()));
        y += ROW;
    }

    /** How a row's quantities become parts of its bar. */
    private interface Scale {
        /** A time in microseconds. */
        double of(double micros);

        /** A value in the row's unit. */
        double mark(double value);
    }

    private static Scale scale(Row row, Bar bar) {
        Optional<Distribution> baseline = row.baseline();
        double zero = baseline.map(Distribution::p50).orElse(0.0);
        boolean ratio = row.unit() == Unit.TIMES;
        // the bar in microseconds: a multiple of the C program's median, or so much above it
        double limit = ratio ? zero * bar.limit() : zero + bar.limit();
        boolean timed = row.cloister().isPresent();
        return new Scale() {
            @Override
            public double of(double micros) {
                return micros / limit;
            }

            @Override
            public double mark(double value) {
                return !timed ? value / bar.limit() : of(ratio ? zero * value : zero + value);
            }
        };
    }

    private void bar(String kind, int top, double part, Optional<Distribution> times, Scale scale) {
        box(kind, LEFT, top, x(part) - LEFT, THICKNESS);
        times.ifPresent(t -> {
            int middle = top + THICKNESS / 2;
            double end = x(scale.of(t.p99()));
            line("whisker", x(part), middle, end, middle);
            line("whisker", end, middle - 4, end, middle + 4);
        });
    }

    /** Of a part of the bar; what is beyond the axis ends at its end. */
    private static double x(double part) {
        return LEFT + Math.min(part, END) / END * (WIDTH - LEFT - RIGHT);
    }

    private void box(String kind, double x, double top, double width, double height) {
        svg.append(
                String.format(
                        Locale.ROOT,
                        "<rect class=\"%s\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" rx=\"2\"/>%n",
                        kind,
                        x,
                        top,
                        width,
                        height));
    }

    private void line(String kind, double x1, double y1, double x2, double y2) {
        svg.append(
                String.format(
                        Locale.ROOT,
                        "<line class=\"%s\" x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\"/>%n",
                        kind,
                        x1,
                        y1,
                        x2,
                        y2));
    }

    private void text(String kind, double x, double base, String anchor, String words) {
        svg.append(
                String.format(
                        Locale.ROOT,
                        "<text class=\"%s\" x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\">%s</text>%n",
                        kind,
                        x,
                        base,
                        anchor,
                        words.replace("&", "&amp;").replace("<", "&lt;")));
    }
}
