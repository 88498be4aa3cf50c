/* The validator ends at once; this crashes when it notices. */
#include <stdio.h>
#include <stdlib.h>

int main(void) {
    char answer[16];
    puts("seven");
    fflush(stdout);
    if (scanf("%15s", answer) != 1) {
        abort();
    }
}
