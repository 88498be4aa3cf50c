// SPDX-License-Identifier: Apache-2.0
/* Trap: TIOCSTI types into the terminal from which the worker was started; TIOCLINUX pastes.
 * Does: both on every stream and on /dev/tty, /dev/console and new pseudo-terminals.
 * Observe: exit 0; nothing appears on the terminal. */
#include "hostile.h"
#include <sys/ioctl.h>

int main(void)
{
    only_confined();
    static const char *const terminals[] = {"/dev/tty", "/dev/console", "/dev/tty0", "/dev/pts/0"};
    int fds[3 + COUNT(terminals)] = {0, 1, 2};
    for (size_t i = 0; i < COUNT(terminals); i++)
        fds[3 + i] = open(terminals[i], O_RDWR | O_NOCTTY | O_NONBLOCK);
    for (size_t i = 0; i < COUNT(fds); i++) {
        char letter = '#', paste = 3;
        refused("TIOCSTI", ioctl(fds[i], TIOCSTI, &letter));
        refused("TIOCLINUX", ioctl(fds[i], TIOCLINUX, &paste));
        refused("TIOCCONS", ioctl(fds[i], TIOCCONS));
    }
    return 0;
}
