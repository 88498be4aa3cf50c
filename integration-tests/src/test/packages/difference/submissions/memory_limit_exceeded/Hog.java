import java.util.ArrayList;
import java.util.List;

public class Hog {
    public static void main(String[] arguments) {
        List<byte[]> all = new ArrayList<>();
        while (true) {
            all.add(new byte[1 << 20]);
        }
    }
}
