package contest;

import java.util.Scanner;

final class Start {
    private Start() {}

    public static void main(String[] arguments) {
        Scanner in = new Scanner(System.in);
        while (in.hasNextLong()) {
            System.out.println(Solver.difference(in.nextLong(), in.nextLong()));
        }
    }
}
