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
 * @param limitAddressSpace whether RLIMIT_AS bounds its memory; some runtimes reserve far more than
 *     they use, and have a limit of their own among their arguments
 */
public record Language(
        String title,
        String source,
        List<String> compile,
        List<String> run,
        String needs,
        boolean limitAddressSpace) {
    public Language {
        compile = List.copyOf(compile);
        run = List.copyOf(run);
    }
}
