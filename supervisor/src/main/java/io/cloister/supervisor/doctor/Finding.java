// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.doctor;

/**
 * What a probe found.
 *
 * @param name of what was probed
 * @param detail what there is, or what is wrong and why
 * @param remedy what to do about it; empty when there is nothing to do
 */
public record Finding(String name, Mark mark, String detail, String remedy) {

    /** How bad it is. */
    public enum Mark {
        OK("✓"),
        /** Good to know, whatever it is. */
        INFORMATION("·"),
        /** Cloister works, but not all of it, or not as well as it could. */
        WARNING("!"),
        /** Another probe's failure made this one pointless. */
        NOT_TRIED("-"),
        /** Cloister does not work. */
        FAILED("✗");

        private final String symbol;

        Mark(String symbol) {
            this.symbol = symbol;
        }

        public String symbol() {
            return symbol;
        }
    }

    public static Finding ok(String name, String detail) {
        return new Finding(name, Mark.OK, detail, "");
    }

    public static Finding information(String name, String detail) {
        return new Finding(name, Mark.INFORMATION, detail, "");
    }

    public static Finding warning(String name, String detail, String remedy) {
        return new Finding(name, Mark.WARNING, detail, remedy);
    }

    public static Finding failed(String name, String detail, String remedy) {
        return new Finding(name, Mark.FAILED, detail, remedy);
    }

    public static Finding failed(String name, Cause cause) {
        return failed(name, cause.detail(), cause.remedy());
    }

    public static Finding notTried(String name, String reason) {
        return new Finding(name, Mark.NOT_TRIED, reason, "");
    }

    /** Whether Cloister cannot work because of it. */
    public boolean isFailure() {
        return mark == Mark.FAILED;
    }
}
