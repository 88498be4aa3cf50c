// The first guess stays in the buffer.
#include <cstdio>
#include <cstring>

int main() {
    char answer[16] = "";
    for (int guess = 500; strcmp(answer, "correct") != 0; guess++) {
        std::printf("%d\n", guess);
        if (std::scanf("%15s", answer) != 1) {
            return 0;
        }
    }
}
