import java.util.Scanner;

public class Differences {
    /** Not the class to start. */
    static class Pair {
        private final long a;
        private final long b;

        Pair(long a, long b) {
            this.a = a;
            this.b = b;
        }

        long difference() {
            return Math.abs(a - b);
        }
    }

    public static void main(String[] arguments) {
        Scanner in = new Scanner(System.in);
        while (in.hasNextLong()) {
            System.out.println(new Pair(in.nextLong(), in.nextLong()).difference());
        }
    }
}
