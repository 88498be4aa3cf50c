public class Thrower {
    public static void main(String[] arguments) {
        throw new IllegalStateException("not caught");
    }
}
