// SPDX-License-Identifier: Apache-2.0
package io.cloister.nativeio.seccomp;

import io.cloister.nativeio.libc.Architecture;
import io.cloister.nativeio.libc.Linux;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import java.util.stream.IntStream;

/**
 * A compiled policy: the instructions that a {@code struct sock_fprog} points to (seccomp(2)).
 *
 * <p>Immutable, and good for any number of processes of its architecture.
 */
public final class SeccompFilter {

    /**
     * The argument of a call that is a start's own which must be the token. Neither sendmsg(2),
     * dup3(2), execve(2) nor execveat(2) has a sixth argument.
     */
    public static final int TOKEN_ARGUMENT = 5;

    /**
     * Stands in compiled filters where a run's token goes: 64 bits that no policy has a use for.
     */
    static final long TOKEN = 0x7e3a_91c5_d24f_8b06L;

    /** What notifications of the filter are for; none means that no listener is needed. */
    public enum Listener {
        NONE,
        /** The first one names a disallowed call and ends the run. */
        ENDS_RUN,
        /** Each names a call, which then is executed. */
        LEARNS
    }

    private final String policy;
    private final Architecture architecture;
    private final List<BpfInstruction> instructions;
    private final byte[] bytes;
    private final List<Integer> tokenAt;
    private final Listener listener;

    SeccompFilter(
            String policy,
            Architecture architecture,
            List<BpfInstruction> instructions,
            Listener listener) {
        this.policy = policy;
        this.architecture = architecture;
        this.instructions = List.copyOf(instructions);
        this.tokenAt =
                IntStream.range(0, instructions.size())
                        .filter(i -> isToken(instructions.get(i)))
                        .boxed()
                        .toList();
        this.listener = listener;
        this.bytes = encode(this.instructions);
    }

    /** The policy's {@link SeccompPolicy#id()}. */
    public String policy() {
        return policy;
    }

    public Architecture architecture() {
        return architecture;
    }

    /** Whether there is nothing to install, because the policy allows everything. */
    public boolean isEmpty() {
        return instructions.isEmpty();
    }

    /** The number of instructions ({@code sock_fprog.len}), at most BPF_MAXINSNS, 4096. */
    public int length() {
        return instructions.size();
    }

    /** A copy of the {@code struct sock_filter} array, eight bytes an instruction. */
    public byte[] bytes() {
        return bytes.clone();
    }

    /** Whether to install it with a listener, and what for. */
    public Listener listener() {
        return listener;
    }

    /**
     * Whether the policy would refuse a call that starts the program, so that it passes by a token
     * only.
     */
    public boolean needsToken() {
        return !tokenAt.isEmpty();
    }

    /**
     * As {@link #bytes()}, for one run.
     *
     * @param token lets calls pass that the start of the program consists of; nobody else may know
     *     it. It is the argument {@link #TOKEN_ARGUMENT} of such a call
     */
    public byte[] bytes(long token) {
        byte[] own = bytes();
        ByteBuffer buffer = ByteBuffer.wrap(own).order(ByteOrder.LITTLE_ENDIAN);
        for (int i : tokenAt) {
            boolean low = instructions.get(i).operand() == (int) TOKEN;
            int operandAt = (i + 1) * BpfInstruction.BYTES - Integer.BYTES;
            buffer.putInt(operandAt, (int) (low ? token : token >>> 32));
        }
        return own;
    }

    private static boolean isToken(BpfInstruction instruction) {
        int operand = instruction.operand();
        return (operand == (int) TOKEN || operand == (int) (TOKEN >>> 32))
                && is(instruction.code(), "BPF_JMP", "BPF_JEQ", "BPF_K");
    }

    private static byte[] encode(List<BpfInstruction> instructions) {
        ByteBuffer buffer =
                ByteBuffer.allocate(instructions.size() * BpfInstruction.BYTES)
                        .order(ByteOrder.LITTLE_ENDIAN);
        instructions.forEach(instruction -> instruction.writeTo(buffer));
        return buffer.array();
    }

    /** The instructions in words, a line each, jumps with the line they lead to. */
    public String listing() {
        StringBuilder listing = new StringBuilder();
        listing.append("%s for %s: %d instructions%n".formatted(policy, architecture, length()));
        for (int i = 0; i < instructions.size(); i++) {
            BpfInstruction instruction = instructions.get(i);
            listing.append(
                    "%4d  %-34s ; %s%n".formatted(i, text(i, instruction), instruction.comment()));
        }
        return listing.toString();
    }

    private static String text(int at, BpfInstruction instruction) {
        int code = instruction.code();
        int operand = instruction.operand();
        if (is(code, "BPF_LD", "BPF_W", "BPF_ABS")) {
            return "ld   [%d]".formatted(operand);
        }
        if (is(code, "BPF_ALU", "BPF_AND", "BPF_K")) {
            return "and  0x%x".formatted(operand);
        }
        if (is(code, "BPF_RET", "BPF_K")) {
            return "ret  0x%08x".formatted(operand);
        }
        if (is(code, "BPF_JMP", "BPF_JA")) {
            return "ja   %d".formatted(at + 1 + operand);
        }
        String name =
                is(code, "BPF_JMP", "BPF_JEQ", "BPF_K")
                        ? "jeq"
                        : is(code, "BPF_JMP", "BPF_JGT", "BPF_K")
                                ? "jgt"
                                : is(code, "BPF_JMP", "BPF_JGE", "BPF_K") ? "jge" : "jset";
        return "%-4s 0x%x ? %d : %d"
                .formatted(
                        name,
                        operand,
                        at + 1 + instruction.whenTrue(),
                        at + 1 + instruction.whenFalse());
    }

    private static boolean is(int code, String... parts) {
        int wanted = 0;
        for (String part : parts) {
            wanted |= (int) Linux.constant(part);
        }
        return code == wanted;
    }

    @Override
    public String toString() {
        return "%s for %s (%d instructions)".formatted(policy, architecture, length());
    }
}
