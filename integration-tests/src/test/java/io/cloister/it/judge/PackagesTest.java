// SPDX-License-Identifier: Apache-2.0
package io.cloister.it.judge;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import com.typesafe.config.Config;
import com.typesafe.config.ConfigFactory;
import io.cloister.it.judge.ProblemJudge.Judged;
import io.cloister.protocol.run.MemorySource;
import io.cloister.supervisor.judge.JudgeStatus;
import io.cloister.supervisor.judge.Judgement.CaseJudgement;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.Timeout;

/** Every submission of every package in src/test/packages gets the verdict that it must get. */
@Timeout(value = 600, unit = TimeUnit.SECONDS)
class PackagesTest {
    static final Path PACKAGES = Path.of("src/test/packages").toAbsolutePath();

    private static final Config CONFIG = ConfigFactory.parseResources("judge.conf").resolve();
    private static final int JOBS = 2;

    /** Seven verdicts in six languages, several files, expectations in the source. */
    @TestFactory
    Stream<DynamicTest> shouldJudgeEveryVerdictInEveryLanguage() throws Exception {
        return verdicts("difference");
    }

    /** A validator that talks with the submission. */
    @TestFactory
    Stream<DynamicTest> shouldJudgeAnInteractiveProblem() throws Exception {
        return verdicts("guess");
    }

    /** A validator of the package's own, built by a script; no time limit. */
    @TestFactory
    Stream<DynamicTest> shouldJudgeWithACustomValidator() throws Exception {
        return verdicts("decompose");
    }

    /** Tolerances, arguments and files of test cases. */
    @TestFactory
    Stream<DynamicTest> shouldJudgeNumbersWithTolerances() throws Exception {
        return verdicts("circle");
    }

    @Test
    void shouldEndAtTheFirstCaseThatFailsUnlessAskedOtherwise() throws Exception {
        assertThat(wrongAnswer(false)).containsExactly("sample/1 AC", "secret/01 WA");
        assertThat(wrongAnswer(true))
                .containsExactly("sample/1 AC", "secret/01 WA", "secret/02 WA", "secret/03 WA");
    }

    private static List<String> wrongAnswer(boolean all) throws Exception {
        List<Judged> judged =
                judge("guess", new ProblemJudge.Options(JOBS, all), "wrong_answer/gives_up.py");
        assertThat(judged.getFirst().verdict()).isEqualTo(JudgeStatus.WRONG_ANSWER);
        return judged.getFirst().judgement().cases().stream()
                .map(each -> each.name() + " " + each.verdict().status().abbreviation())
                .toList();
    }

    private static Stream<DynamicTest> verdicts(String name) throws Exception {
        return judge(name, new ProblemJudge.Options(JOBS, false), "").stream()
                .map(judged -> dynamicTest(judged.submission().name(), () -> check(judged)));
    }

    private static void check(Judged judged) {
        String why = judged.judgement().deciding() + " " + judged.judgement().compilerOutput();
        assumeThat(why).as("the compiler is there").doesNotContain("cannot be used");
        boolean cgroups =
                judged.judgement()
                        .most()
                        .map(figures -> figures.memorySource() != MemorySource.RUSAGE)
                        .orElse(true);
        if (judged.submission().expectation().verdicts().contains(JudgeStatus.MEMORY_LIMIT)
                || judged.language().equals("java")) { // reserves more than it may without groups
            assumeThat(cgroups).as("memory is limited by a control group").isTrue();
        }
        assertThat(judged.submission().expectation().verdicts()).as(why).contains(judged.verdict());
        for (CaseJudgement each : judged.judgement().cases()) {
            assertThat(each.figures()).as(each.name()).isPresent();
        }
    }

    /** Judges a package's submissions whose names have that beginning. */
    private static List<Judged> judge(String name, ProblemJudge.Options options, String beginning)
            throws Exception {
        Config judge = CONFIG.getConfig("judge");
        ProblemPackage problem =
                PackageReader.read(PACKAGES.resolve(name), judge.getConfig("limits"));
        try (NodeRuns worker = NodeRuns.local(CONFIG.withoutPath("judge"), 2 * JOBS);
                ProblemJudge judging = ProblemJudge.prepare(problem, worker, judge, options)) {
            return judging.judge(
                            problem.submissions().stream()
                                    .filter(each -> each.name().startsWith(beginning))
                                    .toList(),
                            judged -> {})
                    .judged();
        }
    }
}
