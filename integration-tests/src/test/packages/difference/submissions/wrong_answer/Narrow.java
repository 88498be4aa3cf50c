import java.util.Scanner;

public class Narrow {
    public static void main(String[] arguments) {
        Scanner in = new Scanner(System.in);
        while (in.hasNextLong()) {
            System.out.println((int) Math.abs(in.nextLong() - in.nextLong()));
        }
    }
}
