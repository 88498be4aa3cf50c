public class Flood {
    public static void main(String[] arguments) {
        while (true) {
            System.out.print("0".repeat(1 << 16));
        }
    }
}
