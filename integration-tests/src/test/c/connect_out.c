// SPDX-License-Identifier: Apache-2.0
/* Trap: a way out over the network.
 * Does: connects by UDP (which sends nothing and succeeds where there is a route) and TCP to
 * addresses reserved for documentation, private ranges, the metadata service, IPv4 and IPv6.
 * Observe: exit 0. */
#include "hostile.h"
#include <arpa/inet.h>
#include <sys/socket.h>

int main(void)
{
    only_confined();
    static const char *const v4[] = {"192.0.2.1", "10.0.0.1", "172.17.0.1", "192.168.0.1",
                                     "169.254.169.254", "255.255.255.255"};
    static const char *const v6[] = {"2001:db8::1", "fd00::1"};
    static const int types[] = {SOCK_DGRAM, SOCK_STREAM | SOCK_NONBLOCK};
    for (size_t t = 0; t < COUNT(types); t++) {
        for (size_t i = 0; i < COUNT(v4); i++) {
            struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(80)};
            inet_pton(AF_INET, v4[i], &to.sin_addr);
            int fd = socket(AF_INET, types[t], 0);
            if (fd < 0) continue;
            if (connect(fd, (struct sockaddr *)&to, sizeof to) == 0 || errno == EINPROGRESS)
                escaped("there is a route to %s", v4[i]);
            close(fd);
        }
        for (size_t i = 0; i < COUNT(v6); i++) {
            struct sockaddr_in6 to = {.sin6_family = AF_INET6, .sin6_port = htons(80)};
            inet_pton(AF_INET6, v6[i], &to.sin6_addr);
            int fd = socket(AF_INET6, types[t], 0);
            if (fd < 0) continue;
            if (connect(fd, (struct sockaddr *)&to, sizeof to) == 0 || errno == EINPROGRESS)
                escaped("there is a route to %s", v6[i]);
            close(fd);
        }
    }
    return 0;
}
