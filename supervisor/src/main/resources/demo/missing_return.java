// SPDX-License-Identifier: Apache-2.0
public class Main {
    static int sum(int[] values) {}

    public static void main(String[] args) {
        System.out.println(sum(new int[] {1, 2}));
    }
}
