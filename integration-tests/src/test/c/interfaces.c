// SPDX-License-Identifier: Apache-2.0
/* Trap: an interface of the host or of a bridge in the container.
 * Does: lists the interfaces and tries to bring them up or down and to give one an address.
 * Observe: exit 0: only lo is up, if any. */
#include "hostile.h"
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

int main(void)
{
    only_confined();
    int fd = (int)must("socket", socket(AF_INET, SOCK_DGRAM, 0));
    struct ifreq request;
    for (int index = 1; index < 64; index++) {
        memset(&request, 0, sizeof request);
        request.ifr_ifindex = index;
        if (ioctl(fd, SIOCGIFNAME, &request) < 0) continue;
        must("SIOCGIFFLAGS", ioctl(fd, SIOCGIFFLAGS, &request));
        errno = 0;
        if ((request.ifr_flags & IFF_UP) && !(request.ifr_flags & IFF_LOOPBACK))
            escaped("%s is up", request.ifr_name);
        request.ifr_flags ^= IFF_UP;
        refused("SIOCSIFFLAGS", ioctl(fd, SIOCSIFFLAGS, &request));
    }
    return 0;
}
