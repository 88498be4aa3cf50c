// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>

int main(void) {
    volatile int *volatile nowhere = NULL;
    printf("about to crash\n");
    *nowhere = 1;
    return 0;
}
