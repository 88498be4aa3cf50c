// SPDX-License-Identifier: Apache-2.0
/* Trap: what was meant to be dropped was not, in one of the modes.
 * Does: reads /proc/self/status.
 * Observe: exit 0: no_new_privs, filter mode, all five capability sets empty, one id
 * everywhere, no supplementary groups but unmapped ones (a rootless container cannot drop
 * those), no signal ignored or blocked. With the argument no-filter, Seccomp may be 0. */
#include "hostile.h"

static char text[16384];

static const char *field(const char *name)
{
    char start[32];
    int length = snprintf(start, sizeof start, "\n%s:", name);
    const char *found = strstr(text, start);
    if (found == NULL) broken("no %s in status", name);
    return found + length + strspn(found + length, " \t");
}

int main(int count, char **arguments)
{
    only_confined();
    FILE *file = fopen("/proc/self/status", "re");
    if (file == NULL) broken("status");
    size_t length = fread(text, 1, sizeof text - 1, file);
    text[length] = 0;
    static const char *const zero[] = {"CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb",
                                       "SigBlk", "SigIgn", "SigCgt", "SigPnd", "ShdPnd"};
    errno = 0;
    for (size_t i = 0; i < COUNT(zero); i++)
        if (strtoull(field(zero[i]), NULL, 16) != 0) escaped("%s is not empty", zero[i]);
    if (atoi(field("NoNewPrivs")) != 1) escaped("no_new_privs is off");
    if (atoi(field("Seccomp")) != 2 && !is_mode(count, arguments, "no-filter"))
        escaped("there is no filter");
    if (atoi(field("Threads")) != 1) escaped("more than one thread");
    if (atoi(field("TracerPid")) != 0) escaped("there is a tracer");
    unsigned id[4];
    static const char *const ids[] = {"Uid", "Gid"};
    for (size_t i = 0; i < COUNT(ids); i++)
        if (sscanf(field(ids[i]), "%u %u %u %u", &id[0], &id[1], &id[2], &id[3]) != 4
            || id[0] != id[1] || id[0] != id[2] || id[0] != id[3])
            escaped("several ids in %s", ids[i]);
    const char *groups = field("Groups");
    for (char *next; *groups != '\n' && *groups != 0; groups = next + strspn(next, " "))
        if (strtoul(groups, &next, 10) != 65534 && strtoul(groups, &next, 10) != id[0])
            escaped("supplementary groups");
    return 0;
}
