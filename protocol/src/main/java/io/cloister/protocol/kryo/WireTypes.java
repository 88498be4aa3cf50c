// SPDX-License-Identifier: Apache-2.0
package io.cloister.protocol.kryo;

import io.cloister.protocol.container.ContainerConfig;
import io.cloister.protocol.container.Credential;
import io.cloister.protocol.container.MaskPath;
import io.cloister.protocol.container.Mount;
import io.cloister.protocol.container.SymbolicLink;
import io.cloister.protocol.message.Access;
import io.cloister.protocol.message.Conf;
import io.cloister.protocol.message.Configured;
import io.cloister.protocol.message.ContainerState;
import io.cloister.protocol.message.Delete;
import io.cloister.protocol.message.Deleted;
import io.cloister.protocol.message.Executable;
import io.cloister.protocol.message.Execve;
import io.cloister.protocol.message.ExecveResult;
import io.cloister.protocol.message.Failure;
import io.cloister.protocol.message.FileError;
import io.cloister.protocol.message.Linked;
import io.cloister.protocol.message.Open;
import io.cloister.protocol.message.OpenFile;
import io.cloister.protocol.message.Ping;
import io.cloister.protocol.message.Pong;
import io.cloister.protocol.message.Reset;
import io.cloister.protocol.message.ResetDone;
import io.cloister.protocol.message.Seccomp;
import io.cloister.protocol.message.Symlink;
import io.cloister.protocol.run.Content;
import io.cloister.protocol.run.CopyIn;
import io.cloister.protocol.run.CopyOut;
import io.cloister.protocol.run.Enforced;
import io.cloister.protocol.run.Evidence;
import io.cloister.protocol.run.Limit;
import io.cloister.protocol.run.Limits;
import io.cloister.protocol.run.Mechanism;
import io.cloister.protocol.run.MemorySource;
import io.cloister.protocol.run.Output;
import io.cloister.protocol.run.PipeLink;
import io.cloister.protocol.run.Program;
import io.cloister.protocol.run.ProgramOutcome;
import io.cloister.protocol.run.Resource;
import io.cloister.protocol.run.Rlimit;
import io.cloister.protocol.run.Rlimits;
import io.cloister.protocol.run.Run;
import io.cloister.protocol.run.RunResult;
import io.cloister.protocol.run.Status;
import io.cloister.protocol.run.Stream;
import io.cloister.protocol.run.Terminal;
import io.cloister.protocol.run.Termination;
import io.cloister.protocol.run.Usage;
import io.cloister.protocol.unit.ByteSize;
import io.cloister.protocol.unit.Bytes;
import io.cloister.protocol.unit.Coded;
import java.util.List;

/**
 * The one list of classes that may cross the cluster, with their ids and fields in order.
 *
 * <p>An id and the order of fields never change, and an id is never given to another class.
 * Requests have 16 to 31, replies 32 to 47, parts of both 48 to 127; from 200 on are the messages
 * of the cluster, which another list has.
 */
final class WireTypes {
    private static final int MAX_ARGUMENTS = Execve.MAX_STRING_BYTES;

    static final List<WireType<?>> ALL =
            List.of(
                    // Requests.
                    new WireType<>(16, Ping.class, (out, ping) -> {}, in -> new Ping()),
                    new WireType<>(
                            17,
                            Conf.class,
                            (out, conf) -> out.value(conf.config()),
                            in -> new Conf(in.value(ContainerConfig.class))),
                    new WireType<>(
                            18,
                            Open.class,
                            (out, open) -> out.list(open.files(), WireOutput::value),
                            in -> new Open(in.list(Open.MAX_FILES, i -> i.value(OpenFile.class)))),
                    new WireType<>(
                            19,
                            Symlink.class,
                            (out, symlink) -> out.list(symlink.links(), WireOutput::value),
                            in -> new Symlink(in.list(Symlink.MAX_LINKS, WireTypes::link))),
                    new WireType<>(
                            20,
                            Delete.class,
                            (out, delete) -> out.text(delete.path()).flag(delete.recursive()),
                            in -> new Delete(in.text(), in.flag())),
                    new WireType<>(21, Reset.class, (out, reset) -> {}, in -> new Reset()),
                    new WireType<>(
                            22,
                            Execve.class,
                            (out, execve) ->
                                    out.object(execve.executable())
                                            .list(execve.arguments(), WireOutput::text)
                                            .optional(execve.environment(), WireTypes::texts)
                                            .list(execve.descriptors(), WireOutput::count)
                                            .optional(execve.workDirectory(), WireOutput::text)
                                            .optional(execve.controllingTerminal())
                                            .value(execve.rlimits())
                                            .value(execve.limits())
                                            .value(execve.seccomp())
                                            .optional(execve.credential(), WireOutput::value)
                                            .flag(execve.announceStart()),
                            in ->
                                    new Execve(
                                            in.object(Executable.class),
                                            texts(in),
                                            in.optional(WireTypes::texts),
                                            in.list(Execve.MAX_DESCRIPTORS, WireInput::count),
                                            in.optional(WireInput::text),
                                            in.optionalInt(),
                                            in.value(Rlimits.class),
                                            in.value(Limits.class),
                                            in.value(Seccomp.class),
                                            in.optional(WireTypes::credential),
                                            in.flag())),

                    // Replies.
                    new WireType<>(
                            32,
                            Pong.class,
                            (out, pong) ->
                                    out.coded(pong.state())
                                            .optional(pong.executingFor(), WireOutput::duration),
                            in ->
                                    new Pong(
                                            in.coded(ContainerState.class),
                                            in.optional(WireInput::duration))),
                    new WireType<>(
                            33,
                            Configured.class,
                            (out, configured) -> texts(out, configured.defaultEnvironment()),
                            in -> new Configured(texts(in))),
                    new WireType<>(
                            34,
                            Linked.class,
                            (out, linked) -> out.map(linked.errors(), WireOutput::value),
                            in -> new Linked(in.map(Symlink.MAX_LINKS, WireTypes::failure))),
                    new WireType<>(35, Deleted.class, (out, deleted) -> {}, in -> new Deleted()),
                    new WireType<>(
                            36,
                            ResetDone.class,
                            (out, done) -> out.count(done.remounted()),
                            in -> new ResetDone(in.count())),
                    new WireType<>(
                            37,
                            ExecveResult.class,
                            (out, result) ->
                                    out.object(result.termination())
                                            .value(result.usage())
                                            .duration(result.wallTime())
                                            .duration(result.setUpTime())
                                            .optional(result.limit(), WireOutput::coded)
                                            .flag(result.killed())
                                            .list(result.enforced(), WireOutput::value)
                                            .value(result.evidence()),
                            in ->
                                    new ExecveResult(
                                            in.object(Termination.class),
                                            in.value(Usage.class),
                                            in.duration(),
                                            in.duration(),
                                            in.optional(i -> i.coded(Limit.class)),
                                            in.flag(),
                                            in.list(Enforced.MAX, i -> i.value(Enforced.class)),
                                            in.value(Evidence.class))),
                    new WireType<>(
                            38,
                            Failure.class,
                            (out, failure) ->
                                    out.coded(failure.kind())
                                            .text(failure.step())
                                            .text(failure.subject())
                                            .optional(failure.errno())
                                            .text(failure.errnoName())
                                            .text(failure.message()),
                            in ->
                                    new Failure(
                                            in.coded(Failure.Kind.class),
                                            in.text(),
                                            in.text(),
                                            in.optionalInt(),
                                            in.text(),
                                            in.text())),
                    new WireType<>(
                            39,
                            FileError.class,
                            (out, error) -> out.text(error.path()).value(error.failure()),
                            in -> new FileError(in.text(), failure(in))),

                    // Containers.
                    new WireType<>(
                            48,
                            ContainerConfig.class,
                            (out, config) ->
                                    out.list(config.mounts(), WireOutput::object)
                                            .list(config.symbolicLinks(), WireOutput::value)
                                            .list(config.maskPaths(), WireOutput::value)
                                            .text(config.hostName())
                                            .text(config.domainName())
                                            .text(config.workDirectory())
                                            .list(config.initCommand(), WireOutput::text)
                                            .list(config.defaultEnvironment(), WireOutput::text)
                                            .value(config.programCredential())
                                            .size(config.rootSize()),
                            in ->
                                    new ContainerConfig(
                                            in.list(
                                                    ContainerConfig.MAX_MOUNTS,
                                                    i -> i.object(Mount.class)),
                                            in.list(
                                                    ContainerConfig.MAX_SYMBOLIC_LINKS,
                                                    WireTypes::link),
                                            in.list(
                                                    ContainerConfig.MAX_MASK_PATHS,
                                                    i -> i.value(MaskPath.class)),
                                            in.text(),
                                            in.text(),
                                            in.text(),
                                            texts(in),
                                            texts(in),
                                            credential(in),
                                            in.size())),
                    new WireType<>(
                            49,
                            Mount.Bind.class,
                            (out, bind) ->
                                    out.text(bind.source())
                                            .text(bind.target())
                                            .flag(bind.readOnly())
                                            .flag(bind.optional())
                                            .flag(bind.devices()),
                            in ->
                                    new Mount.Bind(
                                            in.text(), in.text(), in.flag(), in.flag(), in.flag())),
                    new WireType<>(
                            50,
                            Mount.Tmpfs.class,
                            (out, tmpfs) ->
                                    out.text(tmpfs.target())
                                            .size(tmpfs.size())
                                            .number(tmpfs.inodes())
                                            .count(tmpfs.mode())
                                            .count(tmpfs.uid())
                                            .count(tmpfs.gid())
                                            .flag(tmpfs.noexec()),
                            in ->
                                    new Mount.Tmpfs(
                                            in.text(),
                                            in.size(),
                                            in.number(),
                                            in.count(),
                                            in.count(),
                                            in.count(),
                                            in.flag())),
                    new WireType<>(
                            51,
                            Mount.Proc.class,
                            (out, proc) -> out.text(proc.target()).flag(proc.readOnly()),
                            in -> new Mount.Proc(in.text(), in.flag())),
                    new WireType<>(
                            52,
                            SymbolicLink.class,
                            (out, link) -> out.text(link.link()).text(link.target()),
                            in -> new SymbolicLink(in.text(), in.text())),
                    new WireType<>(
                            53,
                            MaskPath.class,
                            (out, mask) -> out.text(mask.path()),
                            in -> new MaskPath(in.text())),
                    new WireType<>(
                            54,
                            Credential.class,
                            (out, credential) ->
                                    out.count(credential.uid()).count(credential.gid()),
                            in -> new Credential(in.count(), in.count())),

                    // Parts of requests.
                    new WireType<>(
                            64,
                            OpenFile.class,
                            (out, file) ->
                                    out.text(file.path())
                                            .coded(file.access())
                                            .flag(file.create())
                                            .flag(file.exclusive())
                                            .flag(file.truncate())
                                            .flag(file.append())
                                            .count(file.mode())
                                            .flag(file.makeParents()),
                            in ->
                                    new OpenFile(
                                            in.text(),
                                            in.coded(Access.class),
                                            in.flag(),
                                            in.flag(),
                                            in.flag(),
                                            in.flag(),
                                            in.count(),
                                            in.flag())),
                    new WireType<>(
                            65,
                            Executable.OfPath.class,
                            (out, path) -> out.text(path.name()),
                            in -> new Executable.OfPath(in.text())),
                    new WireType<>(
                            66,
                            Executable.OfDescriptor.class,
                            (out, descriptor) -> {},
                            in -> new Executable.OfDescriptor()),
                    new WireType<>(
                            67,
                            Seccomp.class,
                            (out, seccomp) -> out.text(seccomp.profile()),
                            in -> new Seccomp(in.text())),

                    // Runs.
                    new WireType<>(
                            80,
                            Rlimits.class,
                            (out, rlimits) -> out.list(rlimits.limits(), WireOutput::value),
                            in ->
                                    new Rlimits(
                                            in.list(
                                                    Resource.values().length,
                                                    i -> i.value(Rlimit.class)))),
                    new WireType<>(
                            81,
                            Rlimit.class,
                            (out, rlimit) ->
                                    out.coded(rlimit.resource())
                                            .signed(rlimit.soft())
                                            .signed(rlimit.hard()),
                            in -> new Rlimit(in.coded(Resource.class), in.signed(), in.signed())),
                    new WireType<>(
                            82,
                            Termination.Exited.class,
                            (out, exited) -> out.count(exited.code()),
                            in -> new Termination.Exited(in.count())),
                    new WireType<>(
                            83,
                            Termination.Signalled.class,
                            (out, signalled) ->
                                    out.count(signalled.signal())
                                            .text(signalled.signalName())
                                            .flag(signalled.coreDumped()),
                            in -> new Termination.Signalled(in.count(), in.text(), in.flag())),
                    new WireType<>(
                            84,
                            Usage.class,
                            (out, usage) ->
                                    out.duration(usage.cpuTime())
                                            .duration(usage.userCpu())
                                            .duration(usage.systemCpu())
                                            .size(usage.memory())
                                            .coded(usage.memorySource())
                                            .size(usage.maxResidentSet())
                                            .optional(usage.peakProcesses()),
                            in ->
                                    new Usage(
                                            in.duration(),
                                            in.duration(),
                                            in.duration(),
                                            in.size(),
                                            in.coded(MemorySource.class),
                                            in.size(),
                                            in.optionalInt())),
                    constants(85, Status.class),
                    constants(86, Limit.class),
                    constants(87, Resource.class),
                    constants(88, Access.class),
                    constants(89, ContainerState.class),
                    constants(90, Failure.Kind.class),
                    new WireType<>(91, ByteSize.class, WireOutput::size, WireInput::size),
                    new WireType<>(
                            92,
                            Limits.class,
                            (out, limits) ->
                                    out.duration(limits.wallTime())
                                            .optional(limits.cpuTime(), WireOutput::duration)
                                            .optional(limits.memory(), WireOutput::size)
                                            .optional(limits.processes())
                                            .optional(limits.output(), WireOutput::size)
                                            .optional(limits.fileSize(), WireOutput::size)
                                            .optional(limits.stack(), WireOutput::size)
                                            .optional(limits.openFiles())
                                            .optional(limits.addressSpace(), WireOutput::size)
                                            .optional(limits.dataSegment(), WireOutput::size)
                                            .optional(limits.diskSize(), WireOutput::size)
                                            .optional(limits.diskFiles())
                                            .optional(limits.cpuRate())
                                            .optional(limits.cpuSet(), WireOutput::text)
                                            .flag(limits.allowLess()),
                            in ->
                                    new Limits(
                                            in.duration(),
                                            in.optional(WireInput::duration),
                                            in.optional(WireInput::size),
                                            in.optionalInt(),
                                            in.optional(WireInput::size),
                                            in.optional(WireInput::size),
                                            in.optional(WireInput::size),
                                            in.optionalInt(),
                                            in.optional(WireInput::size),
                                            in.optional(WireInput::size),
                                            in.optional(WireInput::size),
                                            in.optionalInt(),
                                            in.optionalInt(),
                                            in.optional(WireInput::text),
                                            in.flag())),
                    new WireType<>(
                            93,
                            Enforced.class,
                            (out, enforced) -> out.coded(enforced.limit()).coded(enforced.by()),
                            in -> new Enforced(in.coded(Limit.class), in.coded(Mechanism.class))),
                    new WireType<>(
                            94,
                            Evidence.class,
                            (out, evidence) ->
                                    out.number(evidence.oomKills())
                                            .number(evidence.processesRefused())
                                            .optional(
                                                    evidence.disallowedSyscall(), WireOutput::text)
                                            .list(evidence.observedSyscalls(), WireOutput::text)
                                            .flag(evidence.idle()),
                            in ->
                                    new Evidence(
                                            in.number(),
                                            in.number(),
                                            in.optional(WireInput::text),
                                            in.list(Evidence.MAX_SYSCALLS, WireInput::text),
                                            in.flag())),
                    constants(95, Mechanism.class),
                    constants(96, MemorySource.class),
                    new WireType<>(
                            100,
                            Run.class,
                            (out, run) ->
                                    out.text(run.id())
                                            .list(run.programs(), WireOutput::value)
                                            .list(run.pipes(), WireOutput::value)
                                            .optional(run.idle(), WireOutput::duration),
                            in ->
                                    new Run(
                                            in.text(),
                                            in.list(Run.MAX_PROGRAMS, i -> i.value(Program.class)),
                                            in.list(Run.MAX_PIPES, i -> i.value(PipeLink.class)),
                                            in.optional(WireInput::duration))),
                    new WireType<>(
                            101,
                            Program.class,
                            (out, program) ->
                                    out.list(program.arguments(), WireOutput::text)
                                            .optional(program.environment(), WireTypes::texts)
                                            .optional(program.workDirectory(), WireOutput::text)
                                            .numbered(program.streams(), WireOutput::object)
                                            .optional(program.terminal(), WireOutput::value)
                                            .optional(program.controllingTerminal())
                                            .list(program.copyIn(), WireOutput::object)
                                            .list(program.copyOut(), WireOutput::value)
                                            .value(program.limits())
                                            .value(program.seccomp()),
                            in ->
                                    new Program(
                                            texts(in),
                                            in.optional(WireTypes::texts),
                                            in.optional(WireInput::text),
                                            in.numbered(
                                                    Execve.MAX_DESCRIPTORS,
                                                    i -> i.object(Stream.class)),
                                            in.optional(i -> i.value(Terminal.class)),
                                            in.optionalInt(),
                                            in.list(Program.MAX_FILES, i -> i.object(CopyIn.class)),
                                            in.list(Program.MAX_FILES, i -> i.value(CopyOut.class)),
                                            in.value(Limits.class),
                                            in.value(Seccomp.class))),
                    new WireType<>(
                            102, Stream.Null.class, (out, none) -> {}, in -> new Stream.Null()),
                    new WireType<>(
                            103,
                            Stream.Input.class,
                            (out, input) -> out.object(input.content()),
                            in -> new Stream.Input(in.object(Content.class))),
                    new WireType<>(
                            104,
                            Stream.Collect.class,
                            (out, collect) -> out.size(collect.max()).flag(collect.truncate()),
                            in -> new Stream.Collect(in.size(), in.flag())),
                    new WireType<>(
                            105, Stream.Given.class, (out, given) -> {}, in -> new Stream.Given()),
                    new WireType<>(
                            106,
                            Content.Inline.class,
                            (out, inline) -> out.bytes(inline.bytes()),
                            in -> new Content.Inline(in.bytes())),
                    new WireType<>(
                            107,
                            Content.Stored.class,
                            (out, stored) -> out.text(stored.id()),
                            in -> new Content.Stored(in.text())),
                    new WireType<>(
                            108,
                            Content.HostFile.class,
                            (out, file) -> out.text(file.path()),
                            in -> new Content.HostFile(in.text())),
                    new WireType<>(
                            109,
                            CopyIn.File.class,
                            (out, file) ->
                                    out.text(file.path()).object(file.content()).count(file.mode()),
                            in -> new CopyIn.File(in.text(), in.object(Content.class), in.count())),
                    new WireType<>(
                            110,
                            CopyIn.Link.class,
                            (out, link) -> out.text(link.path()).text(link.target()),
                            in -> new CopyIn.Link(in.text(), in.text())),
                    new WireType<>(
                            111,
                            CopyOut.class,
                            (out, file) ->
                                    out.text(file.path())
                                            .flag(file.optional())
                                            .size(file.max())
                                            .flag(file.store()),
                            in -> new CopyOut(in.text(), in.flag(), in.size(), in.flag())),
                    new WireType<>(
                            112,
                            Terminal.class,
                            (out, terminal) ->
                                    out.count(terminal.rows())
                                            .count(terminal.columns())
                                            .bytes(terminal.input())
                                            .size(terminal.max())
                                            .flag(terminal.truncate()),
                            in ->
                                    new Terminal(
                                            in.count(),
                                            in.count(),
                                            in.bytes(),
                                            in.size(),
                                            in.flag())),
                    new WireType<>(
                            113,
                            PipeLink.class,
                            (out, pipe) ->
                                    out.value(pipe.from())
                                            .value(pipe.to())
                                            .optional(pipe.relay(), WireOutput::value),
                            in ->
                                    new PipeLink(
                                            in.value(PipeLink.End.class),
                                            in.value(PipeLink.End.class),
                                            in.optional(i -> i.value(PipeLink.Relay.class)))),
                    new WireType<>(
                            114,
                            PipeLink.End.class,
                            (out, end) -> out.count(end.program()).count(end.descriptor()),
                            in -> new PipeLink.End(in.count(), in.count())),
                    new WireType<>(
                            115,
                            PipeLink.Relay.class,
                            (out, relay) -> out.size(relay.max()).flag(relay.transcript()),
                            in -> new PipeLink.Relay(in.size(), in.flag())),
                    new WireType<>(
                            116,
                            Output.class,
                            (out, output) -> out.bytes(output.content()).flag(output.truncated()),
                            in -> new Output(in.bytes(), in.flag())),
                    new WireType<>(
                            117,
                            ProgramOutcome.class,
                            (out, outcome) ->
                                    out.coded(outcome.status())
                                            .optional(outcome.failure(), WireOutput::value)
                                            .optional(outcome.termination(), WireOutput::object)
                                            .optional(outcome.limit(), WireOutput::coded)
                                            .value(outcome.usage())
                                            .duration(outcome.wallTime())
                                            .duration(outcome.setUpTime())
                                            .numbered(outcome.outputs(), WireOutput::value)
                                            .map(outcome.files(), WireOutput::object)
                                            .list(outcome.enforced(), WireOutput::value)
                                            .value(outcome.evidence()),
                            in ->
                                    new ProgramOutcome(
                                            in.coded(Status.class),
                                            in.optional(WireTypes::failure),
                                            in.optional(i -> i.object(Termination.class)),
                                            in.optional(i -> i.coded(Limit.class)),
                                            in.value(Usage.class),
                                            in.duration(),
                                            in.duration(),
                                            in.numbered(
                                                    Execve.MAX_DESCRIPTORS,
                                                    i -> i.value(Output.class)),
                                            in.map(Program.MAX_FILES, i -> i.object(Content.class)),
                                            in.list(Enforced.MAX, i -> i.value(Enforced.class)),
                                            in.value(Evidence.class))),
                    new WireType<>(
                            118,
                            RunResult.class,
                            (out, result) ->
                                    out.text(result.id())
                                            .list(result.results(), WireOutput::value)
                                            .numbered(result.transcripts(), WireOutput::bytes),
                            in ->
                                    new RunResult(
                                            in.text(),
                                            in.list(
                                                    Run.MAX_PROGRAMS,
                                                    i -> i.value(ProgramOutcome.class)),
                                            in.numbered(Run.MAX_PIPES, WireInput::bytes))),
                    new WireType<>(119, Bytes.class, WireOutput::bytes, WireInput::bytes));

    private WireTypes() {}

    private static <E extends Enum<E> & Coded> WireType<E> constants(int id, Class<E> type) {
        return new WireType<>(id, type, WireOutput::coded, in -> in.coded(type));
    }

    private static void texts(WireOutput out, List<String> values) {
        out.list(values, WireOutput::text);
    }

    private static List<String> texts(WireInput in) {
        return in.list(MAX_ARGUMENTS, WireInput::text);
    }

    private static SymbolicLink link(WireInput in) {
        return in.value(SymbolicLink.class);
    }

    private static Credential credential(WireInput in) {
        return in.value(Credential.class);
    }

    private static Failure failure(WireInput in) {
        return in.value(Failure.class);
    }
}
