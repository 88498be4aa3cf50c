// SPDX-License-Identifier: Apache-2.0
/* Trap: the container's root is PID 1's id, and another id is another container's.
 * Does: setuid, setgid, setgroups, capset, ambient capabilities, securebits; every other id
 * too.
 * Observe: exit 0. */
#include "hostile.h"
#include <grp.h>
#include <linux/capability.h>
#include <linux/securebits.h>

int main(void)
{
    only_confined();
    static const unsigned ids[] = {0, 1, 2, 999, 65534, 65535, 100000};
    for (size_t i = 0; i < COUNT(ids); i++) {
        if (ids[i] != getuid()) {
            refused("setuid", setuid(ids[i]));
            refused("setreuid", setreuid((uid_t)-1, ids[i]));
            refused("setresuid", setresuid(ids[i], ids[i], ids[i]));
        }
        if (ids[i] != getgid()) {
            refused("setgid", setgid(ids[i]));
            refused("setresgid", setresgid(ids[i], ids[i], ids[i]));
        }
        gid_t group = ids[i];
        refused("setgroups", setgroups(1, &group));
    }
    refused("setgroups of none", setgroups(0, NULL));
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct all[2] = {{~0u, ~0u, ~0u}, {~0u, ~0u, ~0u}};
    refused("capset", syscall(SYS_capset, &header, all));
    for (int capability = 0; capability <= 40; capability++)
        refused("ambient", prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, capability, 0, 0));
    refused("securebits", prctl(PR_SET_SECUREBITS, SECBIT_KEEP_CAPS | SECBIT_NO_SETUID_FIXUP));
    prctl(PR_SET_NO_NEW_PRIVS, 0, 0, 0, 0);
    if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1) escaped("no_new_privs was taken back");
    return 0;
}
