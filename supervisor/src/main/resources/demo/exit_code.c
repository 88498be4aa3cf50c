// SPDX-License-Identifier: Apache-2.0
// The right answer, then an exit code that says otherwise.
#include <stdio.h>

int main(void) {
    int count;
    long long sum = 0, value;
    if (scanf("%d", &count) != 1) return 1;
    while (count-- > 0 && scanf("%lld", &value) == 1) sum += value;
    printf("%lld\n", sum);
    return 42;
}
