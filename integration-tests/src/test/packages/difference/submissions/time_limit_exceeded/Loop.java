public class Loop {
    private static volatile int counter;

    public static void main(String[] arguments) {
        while (true) {
            counter++;
        }
    }
}
