// SPDX-License-Identifier: Apache-2.0
/* Makes so many empty files in the current directory: work for a reset.
 *
 *     cc -O2 -Wall -Wextra -o fill fill.c
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int main(int count, char **arguments)
{
    long files = count == 2 ? atol(arguments[1]) : 0;
    for (long i = 0; i < files; i++) {
        char name[32];
        snprintf(name, sizeof name, "%ld", i);
        int file = open(name, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0644);
        if (file < 0) {
            perror(name);
            return 1;
        }
        close(file);
    }
    return files > 0 ? 0 : 2;
}
