// SPDX-License-Identifier: Apache-2.0
// Ends in an OutOfMemoryError.
import java.util.ArrayList;
import java.util.List;

public class Main {
    public static void main(String[] args) {
        List<byte[]> blocks = new ArrayList<>();
        while (true) {
            blocks.add(new byte[4 << 20]);
        }
    }
}
