// SPDX-License-Identifier: Apache-2.0
// The usual mistake: 32 bits are enough for the small cases, not for the large ones.
#include <stdio.h>

int main(void) {
    int count, value;
    unsigned sum = 0;
    if (scanf("%d", &count) != 1) return 1;
    while (count-- > 0 && scanf("%d", &value) == 1) sum += (unsigned)value;
    printf("%d\n", (int)sum);
    return 0;
}
