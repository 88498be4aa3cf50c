// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>

int main(void) {
    for (;;) puts("all work and no play makes a dull program");
}
