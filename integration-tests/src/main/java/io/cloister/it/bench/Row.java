// SPDX-License-Identifier: Apache-2.0
package io.cloister.it.bench;

import java.util.Optional;

/**
 * One line of the table.
 *
 * @param id for programs that read the JSON; never changes
 * @param title what was done
 * @param meaning what the value is: {@code p50 / p50}
 * @param cloister how long Cloister took
 * @param baseline how long the C program took
 * @param value the result, in {@code unit}
 * @param note whatever else a reader wants to know; may be empty
 */
record Row(
        String id,
        String title,
        String meaning,
        Optional<Distribution> cloister,
        Optional<Distribution> baseline,
        double value,
        Unit unit,
        Optional<Bar> bar,
        String note) {

    boolean isMissed() {
        return bar.isPresent() && !bar.get().isMet(value);
    }

    /** Cloister's median as a multiple of the C program's. */
    static Row ratio(
            String id, String title, Distribution cloister, Distribution baseline, Bar bar) {
        return new Row(
                id,
                title,
                "ratio",
                Optional.of(cloister),
                Optional.of(baseline),
                cloister.p50() / baseline.p50(),
                Unit.TIMES,
                Optional.of(bar),
                "");
    }

    /** What Cloister's median is above the C program's. */
    static Row overhead(
            String id, String title, Distribution cloister, Distribution baseline, Bar bar) {
        return new Row(
                id,
                title,
                "overhead",
                Optional.of(cloister),
                Optional.of(baseline),
                cloister.p50() - baseline.p50(),
                Unit.MICROSECONDS,
                Optional.of(bar),
                "");
    }

    /** Cloister's median alone. */
    static Row median(String id, String title, Distribution cloister, Bar bar) {
        return new Row(
                id,
                title,
                "p50",
                Optional.of(cloister),
                Optional.empty(),
                cloister.p50(),
                Unit.MICROSECONDS,
                Optional.of(bar),
                "");
    }

    /** One number, and the same of the C programs in the note. */
    static Row value(String id, String title, String meaning, double value, Unit unit, Bar bar) {
        return new Row(
                id,
                title,
                meaning,
                Optional.empty(),
                Optional.empty(),
                value,
                unit,
                Optional.of(bar),
                "");
    }

    Row withoutBar() {
        return new Row(id, title, meaning, cloister, baseline, value, unit, Optional.empty(), note);
    }

    Row withNote(String text) {
        return new Row(id, title, meaning, cloister, baseline, value, unit, bar, text);
    }

    /** {@code aim}, {@code ok} or {@code MISSED}; empty without a bar. */
    String verdict() {
        if (bar.isEmpty()) {
            return "";
        }
        if (isMissed()) {
            return "MISSED";
        }
        return bar.get().meetsAim(value) ? "ok, aim reached" : "ok";
    }
}
