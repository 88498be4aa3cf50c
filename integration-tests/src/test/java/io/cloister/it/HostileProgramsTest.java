// SPDX-License-Identifier: Apache-2.0
package io.cloister.it;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Every hostile program of {@code src/test/c}, one after the other in the same pooled container:
 * each ends as {@code hostile.json} says, and leaves container and host as it found them.
 */
@Timeout(120)
class HostileProgramsTest {
    private static final String FOREIGN = "for another architecture";

    private static Worker worker;
    private static HostileTrial trial;

    static Stream<HostileCorpus.Hostile> programs() throws IOException {
        return HostileCorpus.ofSources().programs().stream();
    }

    @BeforeAll
    static void start() throws Exception {
        assumeTrue(CProgram.hasCompiler(), CProgram.NO_COMPILER);
        HostileCorpus corpus = HostileCorpus.compiled();
        worker = Worker.start(HostileTrial.settings());
        trial = new HostileTrial(worker, corpus);
    }

    @AfterAll
    static void stop() {
        if (worker != null) {
            worker.close();
        }
    }

    @ParameterizedTest
    @MethodSource("programs")
    void shouldContainIt(HostileCorpus.Hostile hostile) throws IOException {
        assumeTrue(hostile.fits(), FOREIGN);
        assumeTrue(hostile.isForExecve(), "a matter of a run's limits");

        trial.run(hostile);
    }

    @ParameterizedTest
    @MethodSource("programs")
    void shouldContainItAsARunWithAllLimits(HostileCorpus.Hostile hostile) throws IOException {
        assumeTrue(hostile.fits(), FOREIGN);

        trial.submit(hostile);
    }
}
