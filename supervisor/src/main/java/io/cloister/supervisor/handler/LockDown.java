// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.handler;

import io.cloister.nativeio.libc.Errno;
import io.cloister.nativeio.libc.Linux;
import io.cloister.nativeio.libc.Sys;
import io.cloister.nativeio.program.Arg;
import io.cloister.nativeio.program.BadReplyException;
import io.cloister.nativeio.program.Data;
import io.cloister.nativeio.program.ProgramResult;
import io.cloister.nativeio.program.Step;
import io.cloister.nativeio.program.Structs;
import io.cloister.nativeio.program.SyscallProgram;
import io.cloister.protocol.message.Failure;
import java.util.List;
import java.util.Optional;

/** The last steps of conf: privileges go for good, and the default environment is read. */
final class LockDown {
    private static final String ENVIRONMENT_FILE = "/.env";
    private static final int ENVIRONMENT_LIMIT = 8 * 1024;

    private final Step read;
    private final Data contents;

    /**
     * After the last program that may have capabilities: none can gain any from now on. init itself
     * never execs and keeps those of its user namespace.
     */
    static LockDown append(SyscallProgram.Builder b) {
        for (int capability = 0; capability <= Linux.CAP_LAST_CAP; capability++) {
            // EINVAL: the headers know more capabilities than the kernel
            prctl(
                            b,
                            "drop capability",
                            Integer.toString(capability),
                            Linux.PR_CAPBSET_DROP,
                            capability)
                    .ignoring(Errno.EINVAL);
        }
        SessionKeyring.join(b);
        int bits =
                Linux.SECBIT_NOROOT
                        | Linux.SECBIT_NOROOT_LOCKED
                        | Linux.SECBIT_NO_CAP_AMBIENT_RAISE
                        | Linux.SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED;
        prctl(b, "lock privileges", "", Linux.PR_SET_SECUREBITS, bits);
        prctl(b, "set no_new_privs", "", Linux.PR_SET_NO_NEW_PRIVS, 1);
        prctl(b, "make undumpable", "init", Linux.PR_SET_DUMPABLE, 0);
        Step file =
                b.call(
                                "open",
                                ENVIRONMENT_FILE,
                                Sys.OPENAT2,
                                Arg.AT_FDCWD,
                                b.string(ENVIRONMENT_FILE).address(),
                                Structs.openHow(
                                                b,
                                                Linux.O_RDONLY | Linux.O_NONBLOCK | Linux.O_CLOEXEC,
                                                0,
                                                Linux.RESOLVE_NO_MAGICLINKS)
                                        .address(),
                                Arg.of(Linux.open_how_SIZE))
                        .continuing();
        Data contents = b.reserve(ENVIRONMENT_LIMIT);
        Step read =
                b.call(
                                "read",
                                ENVIRONMENT_FILE,
                                Sys.READ,
                                file.result(),
                                contents.address(),
                                Arg.of(contents.size()))
                        .continuing();
        b.reply(contents);
        return new LockDown(read, contents);
    }

    private static Step prctl(
            SyscallProgram.Builder b, String name, String subject, int option, long argument) {
        return b.call(
                name,
                subject,
                Sys.PRCTL,
                Arg.of(option),
                Arg.of(argument),
                Arg.ZERO,
                Arg.ZERO,
                Arg.ZERO);
    }

    private LockDown(Step read, Data contents) {
        this.read = read;
        this.contents = contents;
    }

    /**
     * Adds what /.env holds to an environment.
     *
     * @return why it cannot be, if it is too large
     */
    Optional<Failure> mergeEnvironment(
            SyscallProgram program, ProgramResult result, List<String> environment)
            throws BadReplyException {
        long length = result.of(read);
        if (length >= ENVIRONMENT_LIMIT) {
            return Optional.of(
                    Failure.of(
                            Failure.Kind.TOO_LARGE,
                            ENVIRONMENT_FILE,
                            "larger than %d bytes: shorten it".formatted(ENVIRONMENT_LIMIT - 1)));
        }
        if (length > 0) {
            byte[] bytes = new byte[(int) length];
            result.bytes(program, contents).get(bytes);
            EnvironmentLines.merge(environment, bytes);
        }
        return Optional.empty();
    }
}
