// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.cli;

import io.cloister.protocol.run.MemorySource;
import io.cloister.protocol.run.Status;
import io.cloister.supervisor.judge.JudgeStatus;
import io.cloister.supervisor.judge.Judgement;
import io.cloister.supervisor.judge.Language;
import io.cloister.supervisor.judge.Problem;
import java.io.IOException;
import java.io.InputStream;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;

/** The demo's problem, and submissions to it with the status that each must get. */
record DemoSet(Problem problem, Map<String, Language> languages, List<Submission> submissions) {
    private static final String DIRECTORY = "/demo/";

    DemoSet {
        languages = Map.copyOf(languages);
        submissions = List.copyOf(submissions);
        for (Submission submission : submissions) {
            if (!languages.containsKey(submission.language())) {
                throw new IllegalArgumentException(
                        submission.file() + " is in an unknown language " + submission.language());
            }
        }
    }

    /**
     * A submission.
     *
     * @param status what it must be given
     * @param detail what the run itself must have come to; absent when that does not matter
     * @param withoutCgroups what it must be given on a machine whose memory limit is a resource
     *     limit, when that differs
     */
    record Submission(
            String file,
            String language,
            String title,
            JudgeStatus status,
            Optional<Status> detail,
            Optional<JudgeStatus> withoutCgroups) {
        boolean isAsExpected(Judgement judgement) {
            boolean cgroups =
                    judgement
                            .most()
                            .map(figures -> figures.memorySource() != MemorySource.RUSAGE)
                            .orElse(true);
            if (!cgroups && withoutCgroups.isPresent()) {
                return judgement.deciding().status() == withoutCgroups.get();
            }
            return judgement.deciding().status() == status
                    && detail.stream().allMatch(judgement.deciding().detail()::equals);
        }

        byte[] source() throws IOException {
            try (InputStream in = resource(file)) {
                return in.readAllBytes();
            }
        }
    }

    /** Reads the one that comes with this build. */
    static DemoSet load() throws IOException {
        try (InputStream in = resource("submissions.json")) {
            return Json.read(in, DemoSet.class);
        }
    }

    Language languageOf(Submission submission) {
        return Objects.requireNonNull(languages.get(submission.language()));
    }

    private static InputStream resource(String file) throws IOException {
        InputStream in = DemoSet.class.getResourceAsStream(DIRECTORY + file);
        if (in == null) {
            throw new IOException("this build of Cloister has no " + DIRECTORY + file);
        }
        return in;
    }
}
