// SPDX-License-Identifier: Apache-2.0
package io.cloister.it.judge;

import io.cloister.supervisor.judge.DefaultValidator;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/**
 * What of a problem package matters for judging.
 *
 * @param name of the problem
 * @param interactive whether the validator talks with the submission
 * @param validators programs that judge what a submission wrote; none for the default validator
 * @param included files that are put beside every submission in a language, by its code; those of
 *     {@code default} beside all
 * @param cases in the order in which they count
 * @param submissions those that come with the package
 * @param notes what of the package is not used although it might be expected to, for people
 */
record ProblemPackage(
        String name,
        ProblemLimits limits,
        boolean interactive,
        List<SourceFiles> validators,
        Map<String, Map<String, Path>> included,
        List<TestCase> cases,
        List<Submission> submissions,
        List<String> notes) {
    ProblemPackage {
        validators = List.copyOf(validators);
        included = Map.copyOf(included);
        cases = List.copyOf(cases);
        submissions = List.copyOf(submissions);
        notes = List.copyOf(notes);
    }

    /**
     * An input and its answer.
     *
     * @param name its path below data, without an extension
     * @param arguments for the submission
     * @param files for the submission to read, by their names
     * @param validatorFlags arguments for the package's own validators
     * @param defaultValidator what judges the output where the package has no validators
     * @param last whether judging ends when a submission fails here; otherwise the cases after it
     *     are run as well, although they do not change the verdict
     */
    record TestCase(
            String name,
            Path input,
            Path answer,
            List<String> arguments,
            Map<String, Path> files,
            List<String> validatorFlags,
            DefaultValidator defaultValidator,
            boolean last) {
        TestCase {
            arguments = List.copyOf(arguments);
            files = Map.copyOf(files);
            validatorFlags = List.copyOf(validatorFlags);
        }
    }

    /**
     * A program to be judged.
     *
     * @param name its path below submissions
     */
    record Submission(String name, SourceFiles sources, Expectation expectation) {}
}
