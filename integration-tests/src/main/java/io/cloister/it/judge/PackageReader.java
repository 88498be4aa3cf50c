// SPDX-License-Identifier: Apache-2.0
package io.cloister.it.judge;

import com.typesafe.config.Config;
import io.cloister.it.judge.ProblemPackage.Submission;
import io.cloister.it.judge.ProblemPackage.TestCase;
import io.cloister.supervisor.judge.DefaultValidator;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * Reads a problem package: the legacy format and its ICPC subset, and those of 2023 and later. What
 * is not supported is refused, never left out silently.
 */
final class PackageReader {
    private static final String PROBLEM_YAML = "problem.yaml";
    private static final String IN = ".in";
    private static final int MAX_TAGGED = 256 * 1024;

    private static final List<String> KEYS =
            List.of(
                    "problem_format_version",
                    "type",
                    "name",
                    "uuid",
                    "version",
                    "author",
                    "credits",
                    "source",
                    "source_url",
                    "license",
                    "rights_owner",
                    "embargo_until",
                    "limits",
                    "validation",
                    "validator_flags",
                    "grading",
                    "keywords",
                    "languages",
                    "allow_file_writing",
                    "constants");

    private final PackageFiles root;
    private final Config defaults;
    private final YamlMap problem;
    private final boolean legacy;

    private PackageReader(PackageFiles root, Config defaults, YamlMap problem)
            throws BadPackageException {
        this.root = root;
        this.defaults = defaults;
        this.problem = problem;
        legacy = problem.text("problem_format_version").orElse("legacy").startsWith("legacy");
    }

    /**
     * Reads one.
     *
     * @param defaults the limits of judge.conf
     */
    static ProblemPackage read(Path directory, Config defaults)
            throws IOException, BadPackageException {
        if (!Files.isDirectory(directory)) {
            throw new BadPackageException(
                    directory, "no directory: name that of a problem package, unpacked");
        }
        PackageFiles root = new PackageFiles(directory.toRealPath());
        Path yaml = root.resolve(PROBLEM_YAML);
        if (!Files.isRegularFile(yaml)) {
            throw new BadPackageException(yaml, "missing: every problem package has one");
        }
        return new PackageReader(root, defaults, YamlMap.read(yaml)).read();
    }

    private ProblemPackage read() throws IOException, BadPackageException {
        problem.allowOnly(KEYS);
        List<String> kinds = kinds();
        if (!problem.map("constants").isEmpty()) {
            throw problem.wrong("constants", "left out: they are not replaced here");
        }
        boolean interactive = kinds.contains("interactive");
        boolean custom = legacy ? kinds.contains("custom") : hasValidatorDirectory();
        if (interactive && !custom) {
            throw new BadPackageException(
                    root.root(), "an interactive problem needs a validator in output_validators");
        }
        List<SourceFiles> validators = custom ? validators() : List.of();
        if (interactive && validators.size() != 1) {
            throw new BadPackageException(
                    root.resolve("output_validators"),
                    "%d validators, an interactive problem has one".formatted(validators.size()));
        }
        ProblemLimits limits =
                ProblemLimits.read(problem.map("limits"), legacy, timeLimitElsewhere(), defaults);
        List<TestCase> cases = new ArrayList<>();
        Group all =
                new Group(problem.words("validator_flags"), List.of(), true)
                        .at(root.resolve("data"));
        for (String part : List.of("sample", "secret")) {
            Path directory = root.resolve("data/" + part);
            if (Files.isDirectory(directory)) {
                readGroup(directory, all, custom, cases);
            }
        }
        if (cases.isEmpty()) {
            throw new BadPackageException(
                    root.resolve("data"), "no test case: put NAME.in and NAME.ans into secret");
        }
        return new ProblemPackage(
                name(), limits, interactive, validators, included(), cases, submissions(), notes());
    }

    private String name() throws BadPackageException {
        Optional<String> name =
                problem.isMap("name") ? problem.map("name").text("en") : problem.text("name");
        return name.orElse(PackageFiles.name(root.root()));
    }

    /** Words of {@code type} and, in the legacy format, of {@code validation}. */
    private List<String> kinds() throws BadPackageException {
        List<String> kinds = new ArrayList<>();
        for (String type : problem.words("type")) {
            switch (type) {
                case "pass-fail" -> {}
                case "interactive" -> kinds.add(type);
                default ->
                        throw problem.wrong(
                                "type", "pass-fail, or interactive: others are not supported");
            }
        }
        for (String word : problem.words("validation")) {
            switch (word) {
                case "default", "custom", "interactive" -> kinds.add(word);
                default ->
                        throw problem.wrong(
                                "validation",
                                "default, custom or custom interactive: others are not supported");
            }
        }
        return kinds;
    }

    // ---- the time limit ---------------------------------------------------------------------

    /** Where judges keep it that do not have it in problem.yaml. */
    private Optional<Duration> timeLimitElsewhere() throws IOException, BadPackageException {
        Path ini = root.resolve("domjudge-problem.ini");
        if (Files.isRegularFile(ini)) {
            for (String line : root.text(ini).lines().toList()) {
                String[] parts = line.split("=", 2);
                if (parts.length == 2 && parts[0].strip().equals("timelimit")) {
                    return Optional.of(timeLimit(ini, parts[1]));
                }
            }
        }
        Path file = root.resolve(".timelimit");
        return Files.isRegularFile(file)
                ? Optional.of(timeLimit(file, root.text(file)))
                : Optional.empty();
    }

    private static Duration timeLimit(Path file, String text) throws BadPackageException {
        String number = text.replaceAll("[\"']", "").strip();
        try {
            double seconds = Double.parseDouble(number);
            if (seconds > 0 && seconds <= Duration.ofHours(1).toSeconds()) {
                return ProblemLimits.ofSeconds(seconds);
            }
        } catch (NumberFormatException e) {
            // said below
        }
        throw new BadPackageException(
                file, "the time limit must be a number of seconds up to 3600, not " + number);
    }

    // ---- test data --------------------------------------------------------------------------

    /** What holds for a directory of test cases. */
    private record Group(List<String> validatorFlags, List<String> arguments, boolean last) {
        Group {
            validatorFlags = List.copyOf(validatorFlags);
            arguments = List.copyOf(arguments);
        }

        /** With what the directory's own files say. */
        Group at(Path directory) throws IOException, BadPackageException {
            Group group = this;
            for (String name : List.of("testdata.yaml", "test_group.yaml")) {
                Path file = directory.resolve(name);
                if (Files.isRegularFile(file)) {
                    group = group.with(YamlMap.read(file));
                }
            }
            return group;
        }

        Group with(YamlMap settings) throws BadPackageException {
            List<String> flags = validatorFlags;
            for (String key : List.of("output_validator_flags", "output_validator_args")) {
                if (settings.has(key)) {
                    flags = settings.words(key);
                }
            }
            String onReject = settings.text("on_reject").orElse(last ? "break" : "continue");
            if (!onReject.equals("break") && !onReject.equals("continue")) {
                throw settings.wrong("on_reject", "break or continue");
            }
            return new Group(
                    flags,
                    settings.has("args") ? settings.texts("args") : arguments,
                    onReject.equals("break"));
        }
    }

    private void readGroup(Path directory, Group above, boolean custom, List<TestCase> cases)
            throws IOException, BadPackageException {
        Group group = above.at(directory);
        for (Path entry : root.list(directory, PackageReader::baseName)) {
            String file = PackageFiles.name(entry);
            if (Files.isDirectory(entry)) {
                if (!file.endsWith(".files")) {
                    readGroup(entry, group, custom, cases);
                }
            } else if (file.endsWith(IN)) {
                cases.add(testCase(entry, group, custom));
            } else if (file.endsWith(".ans") && !Files.exists(beside(entry, IN))) {
                throw new BadPackageException(entry, "an answer without its input");
            }
        }
    }

    private TestCase testCase(Path input, Group above, boolean custom)
            throws IOException, BadPackageException {
        Path answer = beside(input, ".ans");
        if (!Files.isRegularFile(answer)) {
            throw new BadPackageException(answer, "missing: every input needs an answer");
        }
        Path settings = beside(input, ".yaml");
        boolean own = Files.isRegularFile(settings);
        Group group = own ? above.with(YamlMap.read(settings)) : above;
        Path files = beside(input, ".files");
        return new TestCase(
                baseName(root.relative("data", input)),
                root.inside(input),
                root.inside(answer),
                group.arguments(),
                Files.isDirectory(files) ? root.below(files) : Map.of(),
                group.validatorFlags(),
                custom ? DefaultValidator.words() : defaultValidator(input, group),
                group.last());
    }

    private static DefaultValidator defaultValidator(Path input, Group group)
            throws BadPackageException {
        try {
            return DefaultValidator.parse(group.validatorFlags());
        } catch (IllegalArgumentException e) {
            throw new BadPackageException(input, "its validator flags: " + e.getMessage());
        }
    }

    private static String baseName(String name) {
        return name.endsWith(IN) ? name.substring(0, name.length() - IN.length()) : name;
    }

    private static Path beside(Path file, String extension) {
        String name = PackageFiles.name(file);
        return file.resolveSibling(name.substring(0, name.lastIndexOf('.')) + extension);
    }

    // ---- programs ---------------------------------------------------------------------------

    private boolean hasValidatorDirectory() {
        return Files.isDirectory(root.resolve("output_validator"))
                || Files.isDirectory(root.resolve("output_validators"));
    }

    private List<SourceFiles> validators() throws IOException, BadPackageException {
        Path single = root.resolve("output_validator");
        if (Files.isDirectory(single)) {
            List<Path> entries = root.list(single);
            return List.of(root.program(entries.size() == 1 ? entries.getFirst() : single));
        }
        Path several = root.resolve("output_validators");
        List<SourceFiles> validators = new ArrayList<>();
        if (Files.isDirectory(several)) {
            for (Path entry : root.list(several)) {
                validators.add(root.program(entry));
            }
        }
        if (validators.isEmpty()) {
            throw new BadPackageException(several, "no validator, but validation is custom");
        }
        return validators;
    }

    private Map<String, Map<String, Path>> included() throws IOException, BadPackageException {
        Path include = root.resolve("include");
        Map<String, Map<String, Path>> included = new TreeMap<>();
        if (Files.isDirectory(include)) {
            for (Path language : root.list(include)) {
                if (Files.isDirectory(language)) {
                    included.put(PackageFiles.name(language), root.below(language));
                }
            }
        }
        return included;
    }

    private List<Submission> submissions() throws IOException, BadPackageException {
        Path directory = root.resolve("submissions");
        List<Submission> submissions = new ArrayList<>();
        if (!Files.isDirectory(directory)) {
            return submissions;
        }
        for (Path expected : root.list(directory)) {
            if (Files.isDirectory(expected)) {
                for (Path entry : root.list(expected)) {
                    submissions.add(submission(PackageFiles.name(expected), entry));
                }
            }
        }
        return submissions;
    }

    private List<String> notes() {
        Path settings = root.resolve("submissions/submissions.yaml");
        return Files.exists(settings)
                ? List.of(settings + " is not read: directories and @EXPECTED_RESULTS@ lines count")
                : List.of();
    }

    private Submission submission(String directory, Path entry)
            throws IOException, BadPackageException {
        SourceFiles sources = root.program(entry);
        Optional<Expectation> expectation = ownExpectation(sources);
        if (expectation.isEmpty()) {
            expectation = Expectation.ofDirectory(directory);
        }
        return new Submission(
                root.relative("submissions", entry),
                sources,
                expectation.orElseThrow(() ->
                        new BadPackageException(
                                entry,
                                "no verdict is expected of submissions in such a directory: rename"
                                        + " it (accepted, wrong_answer and so on), or add an"
                                        + " @EXPECTED_RESULTS@ line")));
    }

    /** What the first file says that has such a line. */
    private static Optional<Expectation> ownExpectation(SourceFiles sources)
            throws IOException, BadPackageException {
        for (Path file : sources.files().values()) {
            byte[] beginning;
            try (InputStream in = Files.newInputStream(file)) {
                beginning = in.readNBytes(MAX_TAGGED);
            }
            try {
                Optional<Expectation> found = Expectation.ofSource(beginning);
                if (found.isPresent()) {
                    return found;
                }
            } catch (IllegalArgumentException e) {
                throw new BadPackageException(file, String.valueOf(e.getMessage()));
            }
        }
        return Optional.empty();
    }

    /**
     * A submission that does not come with the package: it should be accepted unless it says
     * otherwise itself.
     */
    static Submission foreignSubmission(Path path) throws IOException, BadPackageException {
        Path real = path.toRealPath();
        SourceFiles sources = new PackageFiles(real).program(real);
        return new Submission(
                path.toString(), sources, ownExpectation(sources).orElseGet(Expectation::accepted));
    }
}
