#include <stdio.h>

static int is_prime(int n) {
    for (int i = 2; i * i <= n; i++) {
        if (n % i == 0) {
            return 0;
        }
    }
    return n >= 2;
}

int main(void) {
    int n;
    scanf("%d", &n);
    for (int a = n / 2; a >= 2; a--) {
        if (is_prime(a) && is_prime(n - a)) {
            printf("%d\n%d\n", a, n - a);
            return 0;
        }
    }
}
