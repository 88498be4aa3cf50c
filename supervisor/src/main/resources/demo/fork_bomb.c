// SPDX-License-Identifier: Apache-2.0
// Doubles itself until fork fails, then keeps trying: every process lives until it is killed.
#include <unistd.h>

int main(void) {
    for (;;)
        if (fork() < 0) usleep(1000);
}
