// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.judge;

import java.util.List;

/**
 * How submissions in a language are compiled and run.
 *
 * @param title its name for people
 * @param source the file name that the source gets in the work directory
 * @param compile the compiler's argv
 * @param run the program's argv
 * @param needs the host's file without which it cannot be used
 * @param artifacts what the compiler leaves that is needed to run: files in the work directory
 */
public record Language(
        String title,
        String source,
        List<String> compile,
        List<String> run,
        String needs,
        List<String> artifacts) {
    public Language {
        compile = List.copyOf(compile);
        run = List.copyOf(run);
        artifacts = List.copyOf(artifacts);
    }
}
