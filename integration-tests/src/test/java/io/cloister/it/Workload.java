// SPDX-License-Identifier: Apache-2.0
package io.cloister.it;

import io.cloister.protocol.run.Content;
import io.cloister.protocol.run.CopyIn;
import io.cloister.protocol.run.Limits;
import io.cloister.protocol.run.Program;
import io.cloister.protocol.run.ProgramOutcome;
import io.cloister.protocol.unit.ByteSize;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/** The program {@code workload.c}, which uses a known amount of something and says how much. */
final class Workload {
    private static final String NAME = "workload";
    private static final ByteSize OUTPUT = ByteSize.ofKiB(16);

    private final Content executable;

    private Workload(Content executable) {
        this.executable = executable;
    }

    static Workload compiled() throws IOException, InterruptedException {
        return new Workload(Content.of(CProgram.compile(NAME)));
    }

    /** The program, which collects its output. */
    Program.Builder of(Limits limits, Object... deed) {
        List<String> arguments = new ArrayList<>(List.of("./" + NAME));
        for (Object word : deed) {
            arguments.add(word.toString());
        }
        return Program.of(arguments)
                .copyIn(new CopyIn.File(NAME, executable, 0755))
                .collect(OUTPUT)
                .limits(limits);
    }

    static String stdout(ProgramOutcome outcome) {
        return outcome.outputs().get(1).content().utf8().orElseThrow();
    }

    /** The sum of all numbers that the program said after a word. */
    static long said(ProgramOutcome outcome, String word) {
        return stdout(outcome)
                .lines()
                .filter(line -> line.startsWith(word + " "))
                .mapToLong(line -> Long.parseLong(line.substring(word.length() + 1)))
                .sum();
    }

    /** The CPU time that all its processes counted themselves. */
    static Duration saidCpu(ProgramOutcome outcome) {
        return Duration.ofNanos(said(outcome, "cpu"));
    }
}
