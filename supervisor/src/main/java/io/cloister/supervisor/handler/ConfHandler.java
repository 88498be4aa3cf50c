// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.handler;

import io.cloister.nativeio.fd.Fd;
import io.cloister.nativeio.init.IdMap;
import io.cloister.nativeio.libc.Errno;
import io.cloister.nativeio.libc.Linux;
import io.cloister.nativeio.libc.Sys;
import io.cloister.nativeio.program.Arg;
import io.cloister.nativeio.program.BadReplyException;
import io.cloister.nativeio.program.Data;
import io.cloister.nativeio.program.ProgramResult;
import io.cloister.nativeio.program.Step;
import io.cloister.nativeio.program.Structs;
import io.cloister.nativeio.program.SyscallFailure;
import io.cloister.nativeio.program.SyscallProgram;
import io.cloister.protocol.container.ContainerConfig;
import io.cloister.protocol.container.Mount;
import io.cloister.protocol.message.ConfReply;
import io.cloister.protocol.message.Configured;
import io.cloister.protocol.message.Failure;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Turns a fresh init into a container: file system, names, privileges. It runs once per container,
 * and its failure is the container's end.
 *
 * <p>What the host has at the paths that are mounted and masked decides how that is done, so init
 * looks first: at the sources, then, in the new root, at the paths to mask. What it saw makes a
 * {@link ConfPlan}, by which the next container of the configuration needs one program, not three.
 * Where the plan errs its program stops, and conf goes on as if there were none.
 */
public final class ConfHandler {
    private final ContainerConfig asked;
    private final ContainerConfig config;
    private final IdMap ids;
    private final Fd initOutput;
    private final Listener listener;

    /** Told when a container is configured. */
    @FunctionalInterface
    public interface Listener {
        /**
         * Takes what was learned.
         *
         * @param context that later commands need
         * @param plan for another container of this configuration, if there can be one
         */
        void configured(ContainerContext context, Optional<ConfPlan> plan);
    }

    private ConfHandler(ContainerConfig asked, IdMap ids, Fd initOutput, Listener listener) {
        this.asked = asked;
        this.config = ContainerContext.effective(asked, ids);
        this.ids = ids;
        this.initOutput = initOutput;
        this.listener = listener;
    }

    /**
     * Begins to configure.
     *
     * @param plan one that {@link ConfPlan#fits fits}
     * @param initOutput an empty memfd for the output of the init command
     */
    public static Exchange<ConfReply> start(
            ContainerConfig config,
            IdMap ids,
            Optional<ConfPlan> plan,
            Fd initOutput,
            Listener listener) {
        ConfHandler handler = new ConfHandler(config, ids, initOutput, listener);
        return plan.isPresent() ? handler.carryOut(plan.get()) : handler.lookAtSources();
    }

    // ---- with a plan ------------------------------------------------------------------------

    private Exchange<ConfReply> carryOut(ConfPlan plan) {
        SyscallProgram program = plan.program();
        return new Exchange.Run<>(
                program,
                result -> {
                    if (plan.missedSource(result)) {
                        return lookAtSources();
                    }
                    if (plan.missedMask(result)) {
                        return lookAtMasks(plan.sources());
                    }
                    Optional<SyscallFailure> failure = result.failure(program);
                    return failure.isPresent()
                            ? doomed(explain(failure.get()))
                            : lockedDown(program, result, plan.lockDown(), Optional.of(plan));
                });
    }

    // ---- without one ------------------------------------------------------------------------

    /** Which sources there are and which of them are directories: mount points must match. */
    private Exchange<ConfReply> lookAtSources() {
        SyscallProgram.Builder b = SyscallProgram.named("look at mount sources");
        List<Mount.Bind> binds = ConfSteps.binds(config);
        List<Step> looks = new ArrayList<>();
        Data stats = b.reserve(binds.size() * Linux.stat_SIZE);
        for (Mount.Bind bind : binds) {
            looks.add(
                    b.call(
                                    "bind",
                                    ConfSteps.describe(bind),
                                    Sys.NEWFSTATAT,
                                    Arg.AT_FDCWD,
                                    b.string(bind.source()).address(),
                                    stats.address(looks.size() * Linux.stat_SIZE),
                                    Arg.ZERO)
                            .continuing());
        }
        b.reply(stats);
        SyscallProgram program = b.build();
        return Exchange.run(
                program,
                ConfHandler::doomed,
                result -> {
                    ByteBuffer bytes = result.bytes(program, stats);
                    List<PathKind> sources = new ArrayList<>();
                    for (int i = 0; i < binds.size(); i++) {
                        Optional<SyscallFailure> missing = result.failureOf(looks.get(i));
                        if (missing.isEmpty()) {
                            sources.add(PathKind.of(Structs.Stat.read(bytes, i * Linux.stat_SIZE)));
                        } else if (binds.get(i).optional()
                                && missing.get().errno().equals(Errno.ENOENT)) {
                            sources.add(PathKind.MISSING);
                        } else {
                            return doomed(missingSource(missing.get()));
                        }
                    }
                    return makeFileSystem(sources);
                });
    }

    private static Failure missingSource(SyscallFailure failure) {
        if (!failure.errno().equals(Errno.ENOENT)) {
            return Failures.of(failure);
        }
        return Failure.ofErrno(
                Failure.Kind.NOT_FOUND,
                failure.step(),
                failure.subject(),
                failure.errno().number(),
                failure.errno().symbol(),
                failure.detail()
                        + "; the mount is not optional: create its source, or mark it optional");
    }

    private Exchange<ConfReply> makeFileSystem(List<PathKind> sources) {
        SyscallProgram.Builder b = SyscallProgram.named("conf");
        new ConfSteps(b, config, ids.isSingle()).makeFileSystem(sources);
        return lookAtMasks(b, sources);
    }

    private Exchange<ConfReply> lookAtMasks(List<PathKind> sources) {
        return lookAtMasks(SyscallProgram.named("look at masked paths"), sources);
    }

    private Exchange<ConfReply> lookAtMasks(SyscallProgram.Builder b, List<PathKind> sources) {
        Masks masks = Masks.look(b, config);
        SyscallProgram program = b.build();
        return Exchange.run(
                program,
                failure -> doomed(explain(failure)),
                result -> {
                    Optional<SyscallFailure> unseen = masks.failure(result);
                    return unseen.isPresent()
                            ? doomed(unseen.get())
                            : protect(sources, masks.seen(program, result));
                });
    }

    private Exchange<ConfReply> protect(List<PathKind> sources, List<PathKind> masked) {
        SyscallProgram.Builder b = SyscallProgram.named("protect");
        Masks.hide(b, config, masked);
        new ConfSteps(b, config, ids.isSingle()).protect();
        Optional<LockDown> lockDown =
                config.initCommand().isEmpty() ? Optional.of(LockDown.append(b)) : Optional.empty();
        SyscallProgram program = b.build();
        return Exchange.run(
                program,
                ConfHandler::doomed,
                result ->
                        lockedDown(
                                program,
                                result,
                                lockDown,
                                ConfPlan.of(asked, config, ids.isSingle(), sources, masked)));
    }

    // ---- the end ----------------------------------------------------------------------------

    /** Nothing of the file system changes any more; nor do privileges, but for an init command. */
    private Exchange<ConfReply> lockedDown(
            SyscallProgram program,
            ProgramResult result,
            Optional<LockDown> lockDown,
            Optional<ConfPlan> plan)
            throws BadReplyException {
        return lockDown.isPresent()
                ? finish(program, result, lockDown.get(), plan)
                : runInitCommand(plan);
    }

    private Exchange<ConfReply> finish(
            SyscallProgram program,
            ProgramResult result,
            LockDown lockDown,
            Optional<ConfPlan> plan)
            throws BadReplyException {
        List<String> environment = new ArrayList<>(config.defaultEnvironment());
        Optional<Failure> tooLarge = lockDown.mergeEnvironment(program, result, environment);
        if (tooLarge.isPresent()) {
            return doomed(tooLarge.get());
        }
        Configured reply = new Configured(environment);
        listener.configured(new ContainerContext(config, ids, reply.defaultEnvironment()), plan);
        return new Exchange.Done<>(reply);
    }

    private Exchange<ConfReply> runInitCommand(Optional<ConfPlan> plan) {
        InitCommand command =
                InitCommand.of(config.initCommand(), config.defaultEnvironment(), initOutput);
        return new Exchange.Run<>(
                command.program(),
                result -> {
                    Optional<Failure> failure = command.failure(result);
                    return failure.isPresent() ? doomed(failure.get()) : lockDownAfterCommand(plan);
                });
    }

    private Exchange<ConfReply> lockDownAfterCommand(Optional<ConfPlan> plan) {
        SyscallProgram.Builder b = SyscallProgram.named("lock down");
        LockDown lockDown = LockDown.append(b);
        SyscallProgram program = b.build();
        return Exchange.run(
                program, ConfHandler::doomed, result -> finish(program, result, lockDown, plan));
    }

    // ---- failures ---------------------------------------------------------------------------

    /** Adds what to do to the failures that hosts commonly cause. */
    private static Failure explain(SyscallFailure failure) {
        boolean proc = failure.subject().equals("proc") && failure.errno().equals(Errno.EPERM);
        Failure plain = Failures.of(failure);
        return proc
                ? Failure.ofErrno(
                        Failure.Kind.SYSCALL,
                        plain.step(),
                        plain.subject(),
                        failure.errno().number(),
                        failure.errno().symbol(),
                        plain.message()
                                + "; the host's /proc is masked in part, so a user namespace may not"
                                + " mount its own: see `cloister doctor`")
                : plain;
    }

    private static Exchange<ConfReply> doomed(SyscallFailure failure) {
        return doomed(Failures.of(failure));
    }

    private static Exchange<ConfReply> doomed(Failure failure) {
        return new Exchange.Doomed<>(failure, "conf failed: " + failure.describe());
    }
}
