// SPDX-License-Identifier: Apache-2.0
package io.cloister.it.judge;

import com.typesafe.config.Config;
import io.cloister.protocol.run.Limits;
import io.cloister.protocol.run.Program;
import io.cloister.protocol.run.ProgramOutcome;
import io.cloister.protocol.run.Status;
import io.cloister.protocol.run.Stream;
import io.cloister.protocol.unit.ByteSize;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;

/** The languages of judge.conf, and which of their commands the containers have. */
final class LanguageTable {
    private static final String LOOK =
            "for c; do command -v \"$c\" >/dev/null && echo \"$c\"; done; :";

    private final List<Language> languages;
    private final Set<String> commands;

    /**
     * Languages and what there is.
     *
     * @param commands those that exist in the containers
     */
    LanguageTable(List<Language> languages, Set<String> commands) {
        this.languages =
                languages.stream().sorted(Comparator.comparingInt(Language::priority)).toList();
        this.commands = Set.copyOf(commands);
    }

    /** The languages under {@code judge.languages}. */
    static List<Language> read(Config languages) {
        return languages.root().keySet().stream()
                .map(code -> Language.read(code, languages.getConfig('"' + code + '"')))
                .toList();
    }

    /** Looks in a container, since that is where they are used. */
    static LanguageTable find(List<Language> languages, Sender sender)
            throws IOException, InterruptedException {
        Set<String> wanted = new TreeSet<>();
        languages.forEach(language -> wanted.addAll(language.needs()));
        List<String> command = new ArrayList<>(List.of("/bin/sh", "-c", LOOK, "sh"));
        command.addAll(wanted);
        Program look =
                Program.of(command).stream(1, Stream.collect(ByteSize.ofKiB(64)))
                        .limits(
                                Limits.builder()
                                        .wallTime(Duration.ofSeconds(30))
                                        .allowLess(true)
                                        .build())
                        .build();
        ProgramOutcome outcome = sender.send(look);
        if (outcome.status() != Status.OK) {
            throw new IOException(
                    "cannot look for compilers in a container: %s%s"
                            .formatted(
                                    outcome.status(),
                                    outcome.failure()
                                            .map(why -> ", " + why.describe())
                                            .orElse("")));
        }
        return new LanguageTable(languages, Set.copyOf(Sender.text(outcome, 1).lines().toList()));
    }

    /**
     * The language of a program: the one that most of its files belong to.
     *
     * @return empty when no file is in any language
     */
    Optional<Language> of(SourceFiles program) {
        Language best = null;
        int most = 0;
        for (Language language : languages) {
            int sources = language.sources(program).size();
            if (sources > most) {
                most = sources;
                best = language;
            }
        }
        return Optional.ofNullable(best);
    }

    /** Commands of a language that there are not. */
    List<String> missing(Language language) {
        return language.needs().stream().filter(command -> !commands.contains(command)).toList();
    }
}
