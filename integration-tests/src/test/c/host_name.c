// SPDX-License-Identifier: Apache-2.0
/* Trap: the host's name tells which machine it is; changing it is a channel to the next run.
 * Does: compares the name with its first argument, if any; sets host and domain name.
 * Observe: exit 0. */
#include "hostile.h"

int main(int count, char **arguments)
{
    only_confined();
    char name[128];
    must("gethostname", gethostname(name, sizeof name));
    errno = 0;
    if (count > 1 && strcmp(name, arguments[1]) != 0) escaped("the host is called %s", name);
    refused("sethostname", sethostname("hostile", 7));
    refused("setdomainname", setdomainname("hostile", 7));
    return 0;
}
