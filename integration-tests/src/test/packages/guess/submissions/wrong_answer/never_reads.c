/* Writes on when nobody listens any more: it is ended by SIGPIPE. */
#include <stdio.h>

int main(void) {
    for (;;) {
        puts("0");
    }
}
