// SPDX-License-Identifier: Apache-2.0
/* Trap: a port bound in one run is taken in the next, or is the host's.
 * Does: binds TCP port 80, which must fail, and 8080, which may work, and leaves a daemon
 * listening.
 * Observe: exit 0; the host's ports are free; the next run of the same program sees the same. */
#include "hostile.h"
#include <arpa/inet.h>
#include <sys/socket.h>

int main(void)
{
    only_confined();
    int fd = (int)must("socket", socket(AF_INET, SOCK_STREAM, 0));
    struct sockaddr_in name = {.sin_family = AF_INET, .sin_port = htons(80)};
    refused("bind to port 80", bind(fd, (struct sockaddr *)&name, sizeof name));
    name.sin_port = htons(8080);
    if (bind(fd, (struct sockaddr *)&name, sizeof name) < 0) {
        if (errno == EADDRINUSE) escaped("port 8080 is taken by somebody else");
        return 0;
    }
    must("listen", listen(fd, 1));
    if (must("fork", fork()) == 0) {
        setsid();
        for (;;) pause();
    }
    return 0;
}
