// SPDX-License-Identifier: Apache-2.0
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.util.StringTokenizer;

public class Main {
    public static void main(String[] args) throws IOException {
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in));
        int count = Integer.parseInt(in.readLine().trim());
        long sum = 0;
        String line;
        while (count > 0 && (line = in.readLine()) != null) {
            StringTokenizer words = new StringTokenizer(line);
            for (; words.hasMoreTokens() && count > 0; count--) {
                sum += Long.parseLong(words.nextToken());
            }
        }
        System.out.println(sum);
    }
}
