// SPDX-License-Identifier: Apache-2.0
/* Trap: abstract sockets belong to the network namespace, not to a directory.
 * Does: a daemon listens on one; with the argument find, connects to it.
 * Observe: exit 0; in the next run, even without a reset, exit 0 with find. */
#include "hostile.h"
#include <sys/socket.h>
#include <sys/un.h>

int main(int count, char **arguments)
{
    only_confined();
    struct sockaddr_un name = {.sun_family = AF_UNIX, .sun_path = "\0hostile"};
    int fd = (int)must("socket", socket(AF_UNIX, SOCK_STREAM, 0));
    if (is_mode(count, arguments, "find")) {
        refused("connect", connect(fd, (struct sockaddr *)&name, sizeof name));
        return 0;
    }
    must("bind", bind(fd, (struct sockaddr *)&name, sizeof name));
    must("listen", listen(fd, 1));
    if (must("fork", fork()) == 0) {
        setsid();
        for (;;) pause();
    }
    return 0;
}
