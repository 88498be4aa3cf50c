// SPDX-License-Identifier: Apache-2.0
package io.cloister.it.judge;

import io.cloister.protocol.run.Content;
import io.cloister.protocol.run.Run;
import io.cloister.protocol.run.RunResult;
import java.io.IOException;
import java.nio.file.Path;
import java.util.concurrent.CompletionStage;

/** Whoever carries out runs: a worker in this process, or a cluster. Safe for use by threads. */
public interface RunSender extends AutoCloseable {
    /** Carries out a run; fails only when no answer can be had. */
    CompletionStage<RunResult> run(Run run);

    /** Ends a run that nobody waits for any more, if it has not ended. */
    void cancel(String id);

    /**
     * A file of this machine's as runs name it: whoever carries them out has it from now on, by its
     * hash, so that a file that many runs read travels once. Call it again for each run: what was
     * dropped meanwhile is put again.
     */
    Content file(Path file) throws IOException;

    @Override
    void close();
}
