public class Missing {
    public static void main(String[] arguments) {
        int a = 1
    }
}
