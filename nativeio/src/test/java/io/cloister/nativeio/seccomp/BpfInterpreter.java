// SPDX-License-Identifier: Apache-2.0
package io.cloister.nativeio.seccomp;

import io.cloister.nativeio.libc.Linux;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.List;

/**
 * Runs filters as the kernel does, after the checks of its seccomp_check_filter and
 * bpf_check_classic; it knows the opcodes that our filters and libseccomp's consist of.
 */
final class BpfInterpreter {

    /** What a filter sees of one system call. */
    record Call(int number, int architecture, List<Long> arguments) {
        static Call of(int architecture, int number, long... arguments) {
            long[] six = Arrays.copyOf(arguments, 6);
            return new Call(number, architecture, Arrays.stream(six).boxed().toList());
        }

        private ByteBuffer data() {
            ByteBuffer data =
                    ByteBuffer.allocate(constant("SECCOMP_DATA_SIZE"))
                            .order(ByteOrder.LITTLE_ENDIAN);
            data.putInt(constant("SECCOMP_DATA_NR"), number);
            data.putInt(constant("SECCOMP_DATA_ARCH"), architecture);
            data.putLong(constant("SECCOMP_DATA_INSTRUCTION_POINTER"), 0x7fff_0000_1234L);
            for (int i = 0; i < arguments.size(); i++) {
                data.putLong(constant("SECCOMP_DATA_ARGS") + i * Long.BYTES, arguments.get(i));
            }
            return data;
        }
    }

    /** The action, and whether it was reached without a look at the arguments. */
    record Outcome(int returned, int steps, boolean sawArguments) {}

    private static final int LD = constant("BPF_LD") | constant("BPF_W") | constant("BPF_ABS");
    private static final int AND = constant("BPF_ALU") | constant("BPF_AND") | constant("BPF_K");
    private static final int RET = constant("BPF_RET") | constant("BPF_K");
    private static final int JA = constant("BPF_JMP") | constant("BPF_JA");
    private static final int JEQ = constant("BPF_JMP") | constant("BPF_JEQ") | constant("BPF_K");
    private static final int JGT = constant("BPF_JMP") | constant("BPF_JGT") | constant("BPF_K");
    private static final int JGE = constant("BPF_JMP") | constant("BPF_JGE") | constant("BPF_K");
    private static final int JSET = constant("BPF_JMP") | constant("BPF_JSET") | constant("BPF_K");

    private final int[] codes;
    private final int[] whenTrue;
    private final int[] whenFalse;
    private final int[] operands;

    BpfInterpreter(byte[] filter) {
        if (filter.length == 0 || filter.length % BpfInstruction.BYTES != 0) {
            throw new IllegalArgumentException("no whole number of instructions");
        }
        int length = filter.length / BpfInstruction.BYTES;
        if (length > constant("BPF_MAXINSNS")) {
            throw new IllegalArgumentException("too long: " + length);
        }
        codes = new int[length];
        whenTrue = new int[length];
        whenFalse = new int[length];
        operands = new int[length];
        ByteBuffer buffer = ByteBuffer.wrap(filter).order(ByteOrder.LITTLE_ENDIAN);
        for (int i = 0; i < length; i++) {
            codes[i] = Short.toUnsignedInt(buffer.getShort());
            whenTrue[i] = Byte.toUnsignedInt(buffer.get());
            whenFalse[i] = Byte.toUnsignedInt(buffer.get());
            operands[i] = buffer.getInt();
            check(i, length);
        }
        if (codes[length - 1] != RET) {
            throw new IllegalArgumentException("the last instruction must return");
        }
    }

    private void check(int at, int length) {
        int code = codes[at];
        if (code == LD) {
            boolean inside =
                    operands[at] >= 0
                            && operands[at] % 4 == 0
                            && operands[at] < constant("SECCOMP_DATA_SIZE");
            require(inside, at, "load outside of seccomp_data");
        } else if (code == JA) {
            require(
                    Integer.compareUnsigned(operands[at], length - at - 1) < 0,
                    at,
                    "jump out of the program");
        } else if (code == JEQ || code == JGT || code == JGE || code == JSET) {
            require(
                    at + 1 + whenTrue[at] < length && at + 1 + whenFalse[at] < length,
                    at,
                    "jump out of the program");
        } else {
            require(code == AND || code == RET, at, "unknown opcode 0x%x".formatted(code));
        }
    }

    private static void require(boolean condition, int at, String problem) {
        if (!condition) {
            throw new IllegalArgumentException("instruction %d: %s".formatted(at, problem));
        }
    }

    int run(Call call) {
        return trace(call).returned();
    }

    Outcome trace(Call call) {
        ByteBuffer data = call.data();
        int accumulator = 0;
        boolean sawArguments = false;
        int at = 0;
        for (int steps = 1; steps <= codes.length; steps++) {
            int code = codes[at];
            int operand = operands[at];
            if (code == RET) {
                return new Outcome(operand, steps, sawArguments);
            } else if (code == LD) {
                accumulator = data.getInt(operand);
                sawArguments |= operand >= constant("SECCOMP_DATA_INSTRUCTION_POINTER");
            } else if (code == AND) {
                accumulator &= operand;
            } else if (code == JA) {
                at += operand;
            } else {
                at += holds(code, accumulator, operand) ? whenTrue[at] : whenFalse[at];
            }
            at++;
        }
        throw new IllegalStateException("jumps only go forward, so this cannot be reached");
    }

    private static boolean holds(int code, int accumulator, int operand) {
        if (code == JEQ) {
            return accumulator == operand;
        }
        if (code == JSET) {
            return (accumulator & operand) != 0;
        }
        int order = Integer.compareUnsigned(accumulator, operand);
        return code == JGT ? order > 0 : order >= 0;
    }

    private static int constant(String name) {
        return (int) Linux.constant(name);
    }
}
