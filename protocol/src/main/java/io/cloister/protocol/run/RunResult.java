// SPDX-License-Identifier: Apache-2.0
package io.cloister.protocol.run;

import io.cloister.protocol.check.Check;
import io.cloister.protocol.unit.Bytes;
import java.util.List;
import java.util.Map;

/**
 * The answer to a {@link Run}, always given: a run that could not be carried out says so in its
 * outcomes' status.
 *
 * @param id that of the run
 * @param results one for each program, in order
 * @param transcripts what passed through relayed pipes that were asked to tell, by the pipe's index
 */
public record RunResult(String id, List<ProgramOutcome> results, Map<Integer, Bytes> transcripts) {
    public RunResult {
        Check.filledText("run id", id, Run.MAX_ID_BYTES);
        results = Check.list("results", results, Run.MAX_PROGRAMS);
        Check.that(!results.isEmpty(), "no results: each program has one");
        transcripts = Check.map("transcripts", transcripts, Run.MAX_PIPES);
        for (int pipe : transcripts.keySet()) {
            Check.range("index of a pipe", pipe, 0, Run.MAX_PIPES - 1L);
        }
    }
}
