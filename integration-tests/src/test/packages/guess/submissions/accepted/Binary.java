import java.util.Scanner;

public class Binary {
    public static void main(String[] arguments) {
        Scanner in = new Scanner(System.in);
        int low = 1;
        int high = 1000;
        while (true) {
            int guess = (low + high) / 2;
            System.out.println(guess);
            switch (in.nextLine()) {
                case "lower":
                    high = guess - 1;
                    break;
                case "higher":
                    low = guess + 1;
                    break;
                default:
                    return;
            }
        }
    }
}
