// SPDX-License-Identifier: Apache-2.0
package io.cloister.it.judge;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.typesafe.config.Config;
import com.typesafe.config.ConfigFactory;
import io.cloister.it.judge.ProblemPackage.Submission;
import io.cloister.it.judge.ProblemPackage.TestCase;
import io.cloister.protocol.unit.ByteSize;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class PackageReaderTest {
    private static final Config LIMITS =
            ConfigFactory.parseResources("judge.conf").resolve().getConfig("judge.limits");

    @TempDir private Path directory;

    @BeforeEach
    void writeAPackage() throws IOException {
        write("problem.yaml", "name: Test\n");
        write("data/secret/1.in", "1\n");
        write("data/secret/1.ans", "1\n");
        write("submissions/accepted/a.py", "print(input())\n");
    }

    private void write(String file, String text) throws IOException {
        Path path = directory.resolve(file);
        Files.createDirectories(path.getParent());
        Files.writeString(path, text.replace("\\n", "\n"));
    }

    private ProblemPackage read() throws IOException, BadPackageException {
        return PackageReader.read(directory, LIMITS);
    }

    @Test
    void shouldTakeDefaultsWhereNothingIsSaid() throws Exception {
        ProblemPackage problem = read();
        assertThat(problem.name()).isEqualTo("Test");
        assertThat(problem.interactive()).isFalse();
        assertThat(problem.validators()).isEmpty();
        assertThat(problem.limits().time()).isEmpty();
        assertThat(problem.limits().timeMultiplier()).isEqualTo(5);
        assertThat(problem.limits().memory()).isEqualTo(ByteSize.ofMiB(2048));
        assertThat(problem.limits().output()).isEqualTo(ByteSize.ofMiB(8));
        assertThat(problem.submissions())
                .extracting(Submission::name)
                .containsExactly("accepted/a.py");
    }

    @Test
    void shouldReadLimits() throws Exception {
        write(
                "problem.yaml",
                """
                limits:
                  time_limit: 0.5
                  time_multiplier: 2.5
                  memory: 64
                  output: 1
                  code: 10
                  compilation_time: 7
                  validation_memory: 32
                """);
        ProblemLimits limits = read().limits();
        assertThat(limits.time()).contains(Duration.ofMillis(500));
        assertThat(limits.timeMultiplier()).isEqualTo(2.5);
        assertThat(limits.memory()).isEqualTo(ByteSize.ofMiB(64));
        assertThat(limits.output()).isEqualTo(ByteSize.ofMiB(1));
        assertThat(limits.code()).isEqualTo(ByteSize.ofKiB(10));
        assertThat(limits.compilationTime()).isEqualTo(Duration.ofSeconds(7));
        assertThat(limits.validationMemory()).isEqualTo(ByteSize.ofMiB(32));
    }

    @Test
    void shouldFindTheTimeLimitElsewhere() throws Exception {
        write(".timelimit", " 3\n");
        assertThat(read().limits().time()).contains(Duration.ofSeconds(3));
        write("domjudge-problem.ini", "name = x\ntimelimit = '2.5'\n");
        assertThat(read().limits().time()).contains(Duration.ofMillis(2500));
    }

    @Test
    void shouldRoundTheTimeLimitThatFollowsFromAcceptedSubmissions() throws Exception {
        write("problem.yaml", "limits: {time_multiplier: 3}\n");
        ProblemLimits limits = read().limits();
        assertThat(limits.timeFor(Duration.ofMillis(20))).isEqualTo(Duration.ofSeconds(1));
        assertThat(limits.timeFor(Duration.ofMillis(400))).isEqualTo(Duration.ofSeconds(2));
        write(
                "problem.yaml",
                """
                problem_format_version: 2023-07-draft
                limits: {time_multipliers: {ac_to_time_limit: 1.5}, time_resolution: 0.1}
                """);
        assertThat(read().limits().timeFor(Duration.ofMillis(400)))
                .isEqualTo(Duration.ofMillis(600));
    }

    @Test
    void shouldOrderCasesAndGroups() throws Exception {
        for (String name : List.of("b", "a/2", "a/10", "c/x/1", "a-b")) {
            write("data/secret/" + name + ".in", "");
            write("data/secret/" + name + ".ans", "");
        }
        write("data/sample/z.in", "");
        write("data/sample/z.ans", "");
        assertThat(read().cases())
                .extracting(TestCase::name)
                .containsExactly(
                        "sample/z",
                        "secret/1",
                        "secret/a/10",
                        "secret/a/2",
                        "secret/a-b",
                        "secret/b",
                        "secret/c/x/1");
    }

    @Test
    void shouldInheritWhatHoldsForGroups() throws Exception {
        write("problem.yaml", "validator_flags: float_tolerance 1\nvalidation: custom\n");
        write("output_validators/v.py", "");
        write("data/secret/g/1.in", "");
        write("data/secret/g/1.ans", "");
        write("data/secret/g/h/1.in", "");
        write("data/secret/g/h/1.ans", "");
        write("data/secret/g/testdata.yaml", "output_validator_flags: a  b\non_reject: continue\n");
        write("data/secret/g/h/1.yaml", "args: [x y, z]\noutput_validator_args: [c d]\n");
        List<TestCase> cases = read().cases();
        assertThat(cases)
                .extracting(TestCase::validatorFlags)
                .containsExactly(
                        List.of("float_tolerance", "1"), List.of("a", "b"), List.of("c d"));
        assertThat(cases).extracting(TestCase::last).containsExactly(true, false, false);
        assertThat(cases)
                .extracting(TestCase::arguments)
                .containsExactly(List.of(), List.of(), List.of("x y", "z"));
    }

    @Test
    void shouldTakeASubmissionFromElsewhere() throws Exception {
        write("mine.py", "# @EXPECTED_RESULTS@: WRONG-ANSWER\n");
        write("yours/main.c", "");
        assertThat(PackageReader.foreignSubmission(directory.resolve("mine.py")).expectation())
                .isEqualTo(Expectation.ofDirectory("wrong_answer").orElseThrow());
        Submission several = PackageReader.foreignSubmission(directory.resolve("yours"));
        assertThat(several.expectation()).isEqualTo(Expectation.accepted());
        assertThat(several.sources().files()).containsOnlyKeys("main.c");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "problem.yaml | {{ | problem.yaml | YAML",
                "problem.yaml | a: 1\\na: 2 | problem.yaml | YAML",
                "problem.yaml | !!java.net.URL [x] | problem.yaml | YAML",
                "problem.yaml | just text | problem.yaml | not a map",
                "problem.yaml | limit: {} | problem.yaml | unknown key limit",
                "problem.yaml | limits: {memroy: 1} | problem.yaml | limits.memroy",
                "problem.yaml | limits: {memory: 0} | problem.yaml | limits.memory",
                "problem.yaml | limits: {memory: lots} | problem.yaml | limits.memory",
                "problem.yaml | limits: {memory: 1.5} | problem.yaml | limits.memory",
                "problem.yaml | limits: {memory: 99999999999999999999} | problem.yaml | memory",
                "problem.yaml | limits: {time_limit: -1} | problem.yaml | limits.time_limit",
                "problem.yaml | limits: {time_limit: .nan} | problem.yaml | limits.time_limit",
                "problem.yaml | limits: {time_limit: 1e9} | problem.yaml | limits.time_limit",
                "problem.yaml | limits: 5 | problem.yaml | limits",
                "problem.yaml | type: scoring | problem.yaml | scoring",
                "problem.yaml | type: [pass-fail, multi-pass] | problem.yaml | multi-pass",
                "problem.yaml | type: submit-answer | problem.yaml | submit-answer",
                "problem.yaml | validation: custom score | problem.yaml | validation",
                "problem.yaml | validation: custom | output_validators | no validator",
                "problem.yaml | constants: {n: 1} | problem.yaml | constants",
                "problem.yaml | validator_flags: fuzzy | 1.in | fuzzy",
                "problem.yaml | validation: custom interactive | output_validators | no validator",
                ".timelimit | soon | .timelimit | seconds",
                ".timelimit | -1 | .timelimit | seconds",
                "data/secret/2.in | 1 | 2.ans | missing",
                "data/secret/2.ans | 1 | 2.ans | without its input",
                "data/secret/testdata.yaml | on_reject: stop | testdata.yaml | on_reject",
                "submissions/maybe/a.py | 1 | maybe/a.py | no verdict is expected",
                "submissions/accepted/b.py | @EXPECTED_RESULTS@: x | accepted/b.py | unknown result",
            })
    void shouldNameTheFileThatIsWrong(String file, String text, String named, String reason)
            throws IOException {
        write(file, text);
        assertThatThrownBy(this::read)
                .isInstanceOf(BadPackageException.class)
                .hasMessageStartingWith(directory.toString())
                .hasMessageContaining(named)
                .hasMessageContaining(reason);
    }

    @Test
    void shouldRefuseLinksOutOfThePackage(@TempDir Path elsewhere) throws Exception {
        Path secret = Files.writeString(elsewhere.resolve("secret"), "x");
        Path link = directory.resolve("submissions/accepted/b.py");
        Files.createSymbolicLink(link, directory.resolve("submissions/accepted/a.py"));
        assertThat(read().submissions()).hasSize(2);
        Files.delete(link);
        Files.createSymbolicLink(link, secret);
        assertThatThrownBy(this::read)
                .isInstanceOf(BadPackageException.class)
                .hasMessageContaining("b.py")
                .hasMessageContaining("leads out");
    }

    @Test
    void shouldWantTestCases() throws Exception {
        Files.delete(directory.resolve("data/secret/1.in"));
        Files.delete(directory.resolve("data/secret/1.ans"));
        assertThatThrownBy(this::read).hasMessageContaining("no test case");
        Files.delete(directory.resolve("problem.yaml"));
        assertThatThrownBy(this::read).hasMessageContaining("problem.yaml: missing");
    }
}
