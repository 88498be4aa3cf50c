#include <stdio.h>
#include <string.h>

enum { ACCEPTED = 42, WRONG_ANSWER = 43 };

static int is_prime(int n) {
    for (int i = 2; i * i <= n; i++) {
        if (n % i == 0) {
            return 0;
        }
    }
    return n >= 2;
}

int main(int argc, char **argv) {
    if (argc < 5) {
        return 1;
    }
    int strict = strcmp(argv[4], "--in-order") == 0;
    if (!strict && strcmp(argv[4], "--any-order") != 0) {
        return 2;
    }
    char path[4096];
    snprintf(path, sizeof path, "%sjudgemessage.txt", argv[3]);
    FILE *input = fopen(argv[1], "r");
    FILE *answer = fopen(argv[2], "r");
    FILE *message = fopen(path, "w");
    int n, a, b;
    char more;
    if (input == NULL || answer == NULL || message == NULL || fscanf(input, "%d", &n) != 1) {
        return 3;
    }
    if (scanf("%d%d", &a, &b) != 2 || scanf(" %c", &more) == 1) {
        fprintf(message, "not two numbers\n");
        return WRONG_ANSWER;
    }
    if (a + b != n || !is_prime(a) || !is_prime(b) || (strict && a > b)) {
        fprintf(message, "%d and %d are no answer for %d\n", a, b, n);
        return WRONG_ANSWER;
    }
    return ACCEPTED;
}
