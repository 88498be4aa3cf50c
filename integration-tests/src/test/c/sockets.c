// SPDX-License-Identifier: Apache-2.0
/* Trap: AF_VSOCK knows no namespaces and reaches the hypervisor; AF_ALG, AF_PACKET and their
 * like are kernel surface that no submission needs.
 * Does: opens sockets of such families, and raw ones.
 * Observe: exit 0. */
#include "hostile.h"
#include <sys/socket.h>

int main(void)
{
    only_confined();
    static const int families[] = {
        AF_VSOCK, AF_ALG, AF_PACKET, AF_KEY, AF_BLUETOOTH, AF_CAN, AF_TIPC, AF_RDS, AF_XDP, AF_NFC,
        AF_QIPCRTR, AF_SMC, AF_KCM, AF_LLC, AF_PPPOX, AF_IUCV, AF_PHONET, AF_X25, AF_AX25,
    };
    static const int types[] = {SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET, SOCK_RAW};
    char what[64];
    for (size_t i = 0; i < COUNT(families); i++)
        for (size_t j = 0; j < COUNT(types); j++) {
            snprintf(what, sizeof what, "socket of family %d, type %d", families[i], types[j]);
            refused(what, socket(families[i], types[j], 0));
        }
    refused("raw IPv4 socket", socket(AF_INET, SOCK_RAW, 1));
    refused("raw IPv6 socket", socket(AF_INET6, SOCK_RAW, 58));
    return 0;
}
