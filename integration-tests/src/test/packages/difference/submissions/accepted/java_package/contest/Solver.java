package contest;

final class Solver {
    private Solver() {}

    static long difference(long a, long b) {
        return Math.abs(a - b);
    }
}
