// SPDX-License-Identifier: Apache-2.0
package io.cloister.nativeio.program;

import io.cloister.nativeio.fd.Fd;
import io.cloister.nativeio.libc.Errno;
import io.cloister.nativeio.libc.Linux;
import io.cloister.nativeio.libc.Sys;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * A program of system calls for init: its data area, its steps, and the descriptors that go with
 * it. Immutable once built.
 *
 * <p>Data comes before instructions in the message, so every address is final when it is handed
 * out. {@link Builder} is for one thread.
 */
public final class SyscallProgram {
    private static final int HEADER = 16;
    private static final int SERIAL_AT = 8; // in the header

    /** Descriptors that one message can carry, in either direction: SCM_MAX_FD of net/scm.h. */
    public static final int MAX_DESCRIPTORS = Linux.DESCRIPTORS_MAX;

    /** The bytes that one message can hold. */
    public static final int MAX_BYTES = Linux.MESSAGE_MAX;

    /** Does nothing: init answers it, or takes it as a sign while a program runs. */
    public static final SyscallProgram EMPTY = named("nothing").build(); // after its bound above

    /** Length of {@link #EMPTY}'s message. */
    public static final int EMPTY_BYTES = HEADER;

    private final String name;
    private final byte[] message;
    private final List<Step> steps;
    private final List<Fd> descriptors;
    private final long replyAt;

    private SyscallProgram(Builder builder) {
        name = builder.name;
        message = builder.message();
        steps = List.copyOf(builder.steps);
        descriptors = List.copyOf(builder.descriptors);
        replyAt = builder.replyAt;
    }

    private SyscallProgram(SyscallProgram program, List<Fd> descriptors) {
        name = program.name;
        message = program.message;
        steps = program.steps;
        this.descriptors = List.copyOf(descriptors);
        replyAt = program.replyAt;
    }

    /**
     * The same program with other descriptors.
     *
     * @param others as many, in the order of their slots
     */
    public SyscallProgram with(List<Fd> others) {
        if (others.size() != descriptors.size()) {
            throw new IllegalArgumentException(
                    "%d descriptors for the %d slots of %s"
                            .formatted(others.size(), descriptors.size(), name));
        }
        return new SyscallProgram(this, others);
    }

    /** Starts a program; its name is for messages and listings. */
    public static Builder named(String name) {
        return new Builder(name);
    }

    public String name() {
        return name;
    }

    public List<Step> steps() {
        return steps;
    }

    /**
     * The descriptors to send along, in the order of their slots. They stay their owner's, who
     * keeps them open until the message is on its way.
     */
    public List<Fd> descriptors() {
        return descriptors;
    }

    /** Where the bytes of its reply begin in init's memory. */
    long replyAt() {
        return replyAt;
    }

    /** Length of the encoded message in bytes. */
    public int size() {
        return message.length;
    }

    /**
     * Appends the encoded message to a little-endian buffer.
     *
     * @param serial comes back in every reply to it
     */
    public void encode(int serial, ByteBuffer out) {
        int start = out.position();
        out.put(message).putInt(start + SERIAL_AT, serial);
    }

    /** One numbered line per step, for tests and debug logs. */
    public String listing() {
        StringBuilder text = new StringBuilder();
        for (Step step : steps) {
            text.append(step.index() + 1).append(' ').append(step).append('\n');
        }
        return text.toString();
    }

    @Override
    public String toString() {
        return steps.stream()
                .map(Step::name)
                .distinct()
                .collect(Collectors.joining(", ", name + " (", ")"));
    }

    private static int align(int length) {
        return (length + 7) & ~7;
    }

    /** Composes a program, step by step in the order in which they will run. */
    public static final class Builder {
        private final String name;
        private final List<Step> steps = new ArrayList<>(64);
        private final List<Fd> descriptors = new ArrayList<>(4);
        private ByteBuffer data = ByteBuffer.allocate(1024).order(ByteOrder.LITTLE_ENDIAN);
        private long replyAt;

        private Builder(String name) {
            this.name = name;
        }

        /** A NUL-terminated UTF-8 string. */
        public Data string(String text) {
            return cString(text.getBytes(StandardCharsets.UTF_8), text);
        }

        /** A NUL-terminated string of bytes that need not be text: a file's name. */
        public Data string(byte[] bytes) {
            return cString(bytes, new String(bytes, StandardCharsets.UTF_8));
        }

        private Data cString(byte[] bytes, String text) {
            Data at = reserve(bytes.length + 1, 1, text);
            data.put(offset(at), bytes);
            return at;
        }

        /** Bytes as they are, 8-aligned. */
        public Data bytes(byte[] bytes) {
            Data at = reserve(bytes.length);
            data.put(offset(at), bytes);
            return at;
        }

        /** Zeroed room for a struct or a buffer, 8-aligned. */
        public Data reserve(int size) {
            return reserve(size, Long.BYTES, null);
        }

        private Data reserve(int size, int alignment, @Nullable String text) {
            int start = (data.position() + alignment - 1) & -alignment;
            int end = start + size;
            if (end < start || HEADER + end > MAX_BYTES) {
                throw new ProgramTooLargeException(name, end, MAX_BYTES);
            }
            if (end > data.capacity()) {
                byte[] grown = Arrays.copyOf(data.array(), Math.max(end, data.capacity() * 2));
                int position = data.position();
                data = ByteBuffer.wrap(grown).order(ByteOrder.LITTLE_ENDIAN).position(position);
            }
            data.position(end);
            return new Data(Linux.MESSAGE_AT + HEADER + start, size, text);
        }

        /** A null-terminated array of addresses, such as argv. */
        public Data pointers(List<Data> targets) {
            Data array = reserve((targets.size() + 1) * Long.BYTES);
            for (int i = 0; i < targets.size(); i++) {
                putLong(array, i * Long.BYTES, targets.get(i).at());
            }
            return array;
        }

        /** Sets a 64-bit field of a struct. */
        public Builder putLong(Data in, int field, long value) {
            data.putLong(offset(in) + field, value);
            return this;
        }

        /** Sets a 32-bit field of a struct. */
        public Builder putInt(Data in, int field, int value) {
            data.putInt(offset(in) + field, value);
            return this;
        }

        /** Sets a 16-bit field of a struct. */
        public Builder putShort(Data in, int field, int value) {
            data.putShort(offset(in) + field, (short) value);
            return this;
        }

        private static int offset(Data at) {
            return (int) (at.at() - Linux.MESSAGE_AT - HEADER);
        }

        /** Sends a descriptor along; the argument is its number in init. */
        public Arg descriptor(Fd fd) {
            if (descriptors.size() == MAX_DESCRIPTORS) {
                throw new ProgramTooLargeException(
                        name + " descriptors", descriptors.size() + 1, MAX_DESCRIPTORS);
            }
            descriptors.add(fd);
            long at = Linux.DESCRIPTORS_AT + (descriptors.size() - 1L) * Long.BYTES;
            return new Arg(at, true, fd.what());
        }

        /**
         * Appends a system call.
         *
         * @param name what it does, for messages: {@code "bind"}
         * @param subject on what: {@code "/usr on /usr"}
         */
        public Step call(String name, String subject, Sys sys, Arg... args) {
            return add(sys.number(), sys.lowerCaseName(), name, subject, args);
        }

        private Step add(int op, String call, String name, String subject, Arg[] args) {
            if (steps.size() == Linux.COUNT_MAX) {
                throw new ProgramTooLargeException(
                        this.name + " steps", steps.size() + 1, Linux.COUNT_MAX);
            }
            Step step = new Step(steps.size(), op, call, name, subject, args);
            steps.add(step);
            return step;
        }

        /**
         * Appends a clone3(2) whose child runs the steps that {@code block} appends. With
         * CLONE_VM|CLONE_VFORK the child ends after its block, or at its first failure; without
         * CLONE_VM it becomes an interpreter of its own.
         *
         * @param pidfd a zeroed 8-byte word that receives the pidfd (with CLONE_PIDFD), or zero
         * @param cgroup a cgroup's descriptor (with CLONE_INTO_CGROUP), or zero
         */
        public Step fork(
                String name,
                String subject,
                long flags,
                int exitSignal,
                Arg pidfd,
                Arg cgroup,
                Runnable block) {
            Step fork =
                    add(
                            Linux.FORK,
                            "clone3",
                            name,
                            subject,
                            new Arg[] {Arg.of(flags), Arg.of(exitSignal), pidfd, cgroup});
            int before = steps.size();
            block.run();
            fork.setAux(steps.size() - before);
            return fork;
        }

        /**
         * Appends a wait for one of {@code count} pollfds, for the end of the wall time (its result
         * is 0) or for that of the CPU time (ETIME, which does not end the program).
         *
         * @param watch made by {@link ProcessStructs#watch}
         * @param usage descriptor of a file that tells the CPU time used, or -1
         * @param pid whose CPU clock counts where there is no such file
         */
        public Step watch(
                String name,
                String subject,
                Data pollFds,
                int count,
                Data watch,
                Arg usage,
                Arg pid) {
            Arg[] args = {pollFds.address(), Arg.of(count), watch.address(), usage, pid};
            return add(Linux.WATCH, "watch", name, subject, args).ignoring(Errno.ETIME);
        }

        /** Asks for bytes of the data area in the final reply. */
        public Step reply(Data bytes) {
            return reply(bytes, Arg.of(Linux.RESULTS_AT), 0); // none, yet from a valid address
        }

        /**
         * Asks for bytes of the data area, and for the descriptors that {@code first} and the steps
         * right after it return, in the final reply; failed steps are left out.
         */
        public Step replyWithResults(Data bytes, Step first, int count) {
            return reply(bytes, Arg.of(first.resultAt()), count);
        }

        private Step reply(Data bytes, Arg from, int count) {
            replyAt = bytes.at();
            Arg[] args = {bytes.address(), Arg.of(bytes.size()), from, Arg.of(count)};
            return add(Linux.REPLY, "reply", "reply", "", args);
        }

        /** Sends an early reply at this point, with the descriptor that a step returned. */
        public Step announce(Step descriptor) {
            return announce(descriptor, 0);
        }

        /**
         * As {@link #announce(Step)}.
         *
         * @param token the sixth argument of init's sendmsg(2), by which a filter knows it
         */
        public Step announce(Step descriptor, long token) {
            Arg[] args = {
                Arg.of(Linux.MESSAGE_AT),
                Arg.ZERO,
                Arg.of(descriptor.resultAt()),
                Arg.of(1),
                Arg.ZERO,
                Arg.of(token)
            };
            Step step = add(Linux.REPLY, "reply", "announce", "", args);
            step.setAux(1);
            return step;
        }

        /**
         * Asks for bytes, and for the descriptor in a word of the data area, in the final reply.
         */
        public Step replyWithDescriptor(Data bytes, Data word) {
            return reply(bytes, Arg.of(word.at()), 1);
        }

        /** How long the message is so far, in bytes. */
        public int size() {
            return HEADER + align(data.position()) + steps.size() * Step.SIZE;
        }

        /** How many steps there are so far. */
        public int steps() {
            return steps.size();
        }

        private byte[] message() {
            ByteBuffer message = ByteBuffer.allocate(size()).order(ByteOrder.LITTLE_ENDIAN);
            int length = data.position();
            message.putInt(steps.size()).putInt(length).putLong(0);
            message.put(data.array(), 0, length).position(HEADER + align(length));
            for (Step step : steps) {
                step.encode(message);
            }
            return message.array();
        }

        /** The program; its steps must not be changed any more. */
        public SyscallProgram build() {
            if (size() > MAX_BYTES) {
                throw new ProgramTooLargeException(name, size(), MAX_BYTES);
            }
            return new SyscallProgram(this);
        }
    }
}
