// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>

int main(void) {
    printf("%d\n", sum_of_everything);
    return 0
}
