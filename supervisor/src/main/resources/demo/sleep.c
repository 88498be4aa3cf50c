// SPDX-License-Identifier: Apache-2.0
// Uses no CPU time at all: only the wall clock can end it.
#include <unistd.h>

int main(void) {
    for (;;) sleep(3600);
}
