// SPDX-License-Identifier: Apache-2.0
// Takes and touches memory until there is no more.
#include <stdlib.h>
#include <string.h>

int main(void) {
    const size_t size = 4 << 20;
    for (;;) {
        char *volatile block = malloc(size);
        if (block == NULL) abort();
        memset(block, 1, size);
    }
}
