#include <stdlib.h>
#include <string.h>

int main(void) {
    const size_t step = 1 << 20;
    for (;;) {
        char *more = malloc(step);
        if (more != NULL) {
            memset(more, 1, step);
        }
    }
}
