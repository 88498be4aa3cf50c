// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.judge;

/** Compares outputs as sequences of words: how much white space there is does not matter. */
public final class Tokens {
    private Tokens() {}

    /**
     * Whether both hold the same words in the same order. Bytes, not text: any encoding will do.
     */
    public static boolean equal(byte[] left, byte[] right) {
        int l = skipSpace(left, 0);
        int r = skipSpace(right, 0);
        while (l < left.length && r < right.length) {
            while (l < left.length && r < right.length && !isSpace(left[l])) {
                if (left[l++] != right[r++]) {
                    return false;
                }
            }
            boolean leftEnds = l == left.length || isSpace(left[l]);
            boolean rightEnds = r == right.length || isSpace(right[r]);
            if (!leftEnds || !rightEnds) {
                return false;
            }
            l = skipSpace(left, l);
            r = skipSpace(right, r);
        }
        return l == left.length && r == right.length;
    }

    private static int skipSpace(byte[] bytes, int at) {
        int i = at;
        while (i < bytes.length && isSpace(bytes[i])) {
            i++;
        }
        return i;
    }

    /** As isspace(3) in the C locale. */
    private static boolean isSpace(byte b) {
        return b == ' ' || (b >= '\t' && b <= '\r');
    }
}
