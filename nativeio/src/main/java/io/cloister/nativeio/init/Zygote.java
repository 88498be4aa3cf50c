// SPDX-License-Identifier: Apache-2.0
package io.cloister.nativeio.init;

import com.sun.jna.Memory;
import com.sun.jna.ptr.IntByReference;
import io.cloister.nativeio.fd.Fd;
import io.cloister.nativeio.fd.MemFd;
import io.cloister.nativeio.fd.PidFd;
import io.cloister.nativeio.fd.SystemCallException;
import io.cloister.nativeio.libc.Architecture;
import io.cloister.nativeio.libc.Errno;
import io.cloister.nativeio.libc.LibC;
import io.cloister.nativeio.libc.Linux;
import io.cloister.nativeio.libc.Sys;
import io.cloister.nativeio.program.Arg;
import io.cloister.nativeio.program.Data;
import io.cloister.nativeio.program.ProgramResult;
import io.cloister.nativeio.program.Step;
import io.cloister.nativeio.program.SyscallFailure;
import io.cloister.nativeio.program.SyscallProgram;
import java.io.IOException;
import java.io.InputStream;
import java.time.Duration;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The process that forks every container's init: the init binary in the host's namespaces, with
 * clean signals and no other descriptor. Forking from it instead of from the JVM keeps a program's
 * measured memory its own, and costs as little as its 24 kB to copy.
 *
 * <p>One program at a time; the methods are synchronized. Once it has died every call throws, and
 * its owner starts another. One that does not answer within five seconds is killed.
 */
public final class Zygote implements AutoCloseable {
    /** Every namespace that containers have of their own: namespaces(7). */
    public static final long NAMESPACES =
            Integer.toUnsignedLong(
                    Linux.CLONE_NEWUSER
                            | Linux.CLONE_NEWPID
                            | Linux.CLONE_NEWNS
                            | Linux.CLONE_NEWNET
                            | Linux.CLONE_NEWIPC
                            | Linux.CLONE_NEWUTS
                            | Linux.CLONE_NEWCGROUP);

    private static final Duration ANSWER_LIMIT = Duration.ofSeconds(5);
    private static final Duration END_LIMIT = Duration.ofSeconds(5);
    private static final int BINARY = Linux.SOCK + 1;

    private final InitChannel channel;
    private final int pid;
    private final PidFd pidfd;
    private int sent;
    private InitChannel.@Nullable Pair ahead;

    private Zygote(InitChannel channel, int pid, PidFd pidfd) {
        this.channel = channel;
        this.pid = pid;
        this.pidfd = pidfd;
    }

    /**
     * Starts a zygote.
     *
     * @throws IOException saying which step failed and why
     */
    public static Zygote start() throws IOException {
        InitChannel.Pair pair = InitChannel.open();
        try (Fd theirs = pair.theirs();
                Fd binary = MemFd.executable("cloister-init", binary())) {
            int pid = spawn(theirs, binary);
            Zygote zygote = new Zygote(pair.ours(), pid, PidFd.open(pid));
            try {
                zygote.run(cleanSignals());
                return zygote;
            } catch (IOException | RuntimeException e) {
                zygote.close();
                throw e;
            }
        } catch (IOException | RuntimeException e) {
            pair.ours().close();
            throw e;
        }
    }

    /** init's program text for this machine, as the build left it. */
    static byte[] binary() throws IOException {
        String name = "init-" + Architecture.current().machine();
        try (InputStream in = Zygote.class.getResourceAsStream(name)) {
            if (in == null) {
                throw new IOException("this build of Cloister has no " + name);
            }
            return in.readAllBytes();
        }
    }

    /**
     * posix_spawn(3) with nothing of the JVM left: standard streams on /dev/null, the socket, the
     * binary, an empty environment, no other descriptor, default signals, a session of its own.
     */
    private static int spawn(Fd socket, Fd binary) throws IOException {
        try (Memory actions = new Memory(Linux.posix_spawn_file_actions_SIZE);
                Memory attributes = new Memory(Linux.posix_spawnattr_SIZE);
                Memory signals = new Memory(Linux.sigset_SIZE);
                Memory argv = LibC.stringArray("cloister-zygote");
                Memory envp = LibC.stringArray();
                // dup2 onto its own number would leave close-on-exec set
                Fd from = duplicateAbove(socket);
                Fd program = duplicateAbove(binary)) {
            check(LibC.posix_spawn_file_actions_init(actions));
            check(LibC.posix_spawnattr_init(attributes));
            try {
                for (int fd = 0; fd < Linux.SOCK; fd++) {
                    check(
                            LibC.posix_spawn_file_actions_addopen(
                                    actions, fd, "/dev/null", Linux.O_RDWR, 0));
                }
                check(LibC.posix_spawn_file_actions_adddup2(actions, from.number(), Linux.SOCK));
                check(LibC.posix_spawn_file_actions_adddup2(actions, program.number(), BINARY));
                check(LibC.posix_spawn_file_actions_addclosefrom_np(actions, BINARY + 1));
                int flags =
                        Linux.POSIX_SPAWN_SETSIGMASK
                                | Linux.POSIX_SPAWN_SETSIGDEF
                                | Linux.POSIX_SPAWN_SETSID;
                check(LibC.posix_spawnattr_setflags(attributes, (short) flags));
                LibC.sigemptyset(signals);
                check(LibC.posix_spawnattr_setsigmask(attributes, signals));
                LibC.sigfillset(signals);
                check(LibC.posix_spawnattr_setsigdefault(attributes, signals));
                IntByReference pid = new IntByReference();
                String path = "/proc/self/fd/" + BINARY;
                check(LibC.posix_spawn(pid, path, actions, attributes, argv, envp));
                return pid.getValue();
            } finally {
                LibC.posix_spawn_file_actions_destroy(actions);
                LibC.posix_spawnattr_destroy(attributes);
            }
        }
    }

    private static Fd duplicateAbove(Fd fd) throws IOException {
        int copy = LibC.fcntl(fd.number(), Linux.F_DUPFD_CLOEXEC, BINARY + 1L);
        if (copy == -1) {
            throw new SystemCallException("fcntl", fd.what(), LibC.errno());
        }
        return Fd.own(copy, fd.what());
    }

    private static void check(int error) throws SystemCallException {
        if (error != 0) {
            throw new SystemCallException("posix_spawn", "the zygote", new Errno(error));
        }
    }

    /**
     * What posix_spawn cannot do: the C library hides signals 32 and 33, which a JVM ignores. The
     * zygote's own children need no wait: it ignores SIGCHLD.
     */
    private static SyscallProgram cleanSignals() {
        SyscallProgram.Builder b = SyscallProgram.named("prepare zygote");
        Data byDefault = b.reserve(Linux.kernel_sigaction_SIZE);
        Data ignore = b.reserve(Linux.kernel_sigaction_SIZE);
        b.putLong(ignore, Linux.kernel_sigaction_handler, Linux.SIG_IGN);
        Data none = b.reserve(Long.BYTES);
        for (int signal = 1; signal <= Linux.NSIG; signal++) {
            if (signal != Linux.SIGKILL && signal != Linux.SIGSTOP) {
                setAction(b, signal, signal == Linux.SIGCHLD ? ignore : byDefault);
            }
        }
        b.call(
                "unblock signals",
                "",
                Sys.RT_SIGPROCMASK,
                Arg.of(Linux.SIG_SETMASK),
                none.address(),
                Arg.ZERO,
                Arg.of(Long.BYTES));
        b.call("change directory", "/", Sys.CHDIR, b.string("/").address());
        b.call("umask", "0", Sys.UMASK, Arg.ZERO);
        setName(b, "cloister-zygote"); // it would be that of the descriptor it was executed from
        return b.build();
    }

    private static Step setAction(SyscallProgram.Builder b, int signal, Data action) {
        return b.call(
                "reset signal",
                Integer.toString(signal),
                Sys.RT_SIGACTION,
                Arg.of(signal),
                action.address(),
                Arg.ZERO,
                Arg.of(Long.BYTES));
    }

    /** Forks an init outside control groups. */
    public InitProcess fork(IdMap ids) throws IOException {
        return fork(ids, Optional.empty());
    }

    /**
     * Forks an init into new namespaces of every kind and maps its ids.
     *
     * @param group the directory of a control group (v2) that it is born in; its cgroup namespace
     *     is the zygote's then, for it could not fork into other groups from one of its own
     * @throws IOException saying which step failed and why; the zygote is usable still if {@link
     *     #isAlive}
     */
    public InitProcess fork(IdMap ids, Optional<Fd> group) throws IOException {
        InitChannel.Pair pair = takeChannel();
        try (Fd theirs = pair.theirs()) {
            SyscallProgram.Builder b = SyscallProgram.named("fork init");
            Data pidfdWord = b.reserve(Long.BYTES);
            Data byDefault = b.reserve(Linux.kernel_sigaction_SIZE);
            Arg socket = b.descriptor(theirs);
            long namespaces =
                    group.isEmpty()
                            ? NAMESPACES
                            : (NAMESPACES & ~Linux.CLONE_NEWCGROUP) | Linux.CLONE_INTO_CGROUP;
            Step fork =
                    b.fork(
                            "create namespaces of",
                            "init",
                            namespaces | Linux.CLONE_PIDFD,
                            Linux.SIGCHLD,
                            pidfdWord.address(),
                            group.map(b::descriptor).orElse(Arg.ZERO),
                            () -> becomeInit(b, socket, byDefault));
            b.replyWithDescriptor(pidfdWord, pidfdWord);
            ProgramResult result = run(b.build());
            if (result.descriptors().size() != 1) {
                result.closeDescriptors();
                throw new IOException("the zygote sent no pidfd of the init that it forked");
            }
            PidFd pidfd = new PidFd(result.descriptors().get(0));
            int pid = (int) result.of(fork);
            InitProcess init = new InitProcess(pair.ours(), pidfd, pid, ids, OomScore.open(pid));
            try {
                InitProcess.writeIdMaps(init.pid(), pidfd, ids);
                return init;
            } catch (IOException e) {
                init.close();
                throw e;
            }
        } catch (IOException | RuntimeException e) {
            pair.ours().close();
            throw e;
        }
    }

    /** Opens the next init's channel already, while nobody waits for it: a quarter of a fork. */
    public synchronized void prepare() throws IOException {
        if (ahead == null) {
            ahead = InitChannel.open();
        }
    }

    private synchronized InitChannel.Pair takeChannel() throws IOException {
        InitChannel.Pair prepared = ahead;
        ahead = null;
        return prepared == null ? InitChannel.open() : prepared;
    }

    private static void becomeInit(SyscallProgram.Builder b, Arg socket, Data byDefault) {
        b.call("take socket", "", Sys.DUP3, socket, Arg.of(Linux.SOCK), Arg.of(Linux.O_CLOEXEC));
        b.call(
                "close other descriptors",
                "",
                Sys.CLOSE_RANGE,
                Arg.of(Linux.SOCK + 1L),
                Arg.of(0xffffffffL),
                Arg.ZERO);
        setAction(b, Linux.SIGCHLD, byDefault);
        setName(b, "cloister-init");
    }

    private static void setName(SyscallProgram.Builder b, String name) {
        b.call("name", name, Sys.PRCTL, Arg.of(Linux.PR_SET_NAME), b.string(name).address());
    }

    /**
     * Tries to create namespaces, for a process that ends at once: whether this worker may.
     *
     * @param what of which kind, for messages
     * @param namespaces CLONE_NEW… flags of clone(2)
     * @return why it may not; empty when it may
     * @throws IOException when the zygote is lost
     */
    public Optional<SyscallFailure> tryNamespaces(String what, long namespaces) throws IOException {
        SyscallProgram.Builder b = SyscallProgram.named("try namespaces");
        b.fork(
                "create",
                what,
                namespaces,
                Linux.SIGCHLD,
                Arg.ZERO,
                Arg.ZERO,
                () -> b.call("end", what, Sys.EXIT_GROUP, Arg.ZERO));
        SyscallProgram program = b.build();
        ProgramResult result = attempt(program);
        result.closeDescriptors();
        return result.failure(program);
    }

    /** Runs a program in the zygote and waits for its end. */
    private ProgramResult run(SyscallProgram program) throws IOException {
        ProgramResult result = attempt(program);
        Optional<SyscallFailure> failure = result.failure(program);
        if (failure.isPresent()) {
            result.closeDescriptors();
            throw new IOException(failure.get().message());
        }
        return result;
    }

    private synchronized ProgramResult attempt(SyscallProgram program) throws IOException {
        int serial = ++sent;
        channel.send(serial, program);
        ProgramResult result = receive();
        if (result.serial() != serial) {
            result.closeDescriptors();
            throw new IOException("the zygote answered out of turn");
        }
        return result;
    }

    /** Without an answer nobody knows what it is doing: it must not go on. */
    private ProgramResult receive() throws IOException {
        try {
            return channel.receive(ANSWER_LIMIT);
        } catch (IOException e) {
            pidfd.signal(Linux.SIGKILL);
            pidfd.awaitExit(END_LIMIT);
            throw e;
        }
    }

    public boolean isAlive() throws IOException {
        return !pidfd.hasExited();
    }

    /** Its process number, for messages. */
    public int pid() {
        return pid;
    }

    /** Ends the zygote; containers that it forked go on. */
    @Override
    public synchronized void close() throws IOException {
        InitChannel.Pair unused = ahead;
        if (unused != null) {
            ahead = null;
            unused.theirs().close();
            unused.ours().close();
        }
        channel.close();
        if (pidfd.fd().isOpen()) {
            if (!pidfd.awaitExit(END_LIMIT)) {
                pidfd.signal(Linux.SIGKILL);
                pidfd.awaitExit(END_LIMIT);
            }
            LibC.waitpid(pid, new IntByReference(), 0);
            pidfd.close();
        }
    }
}
