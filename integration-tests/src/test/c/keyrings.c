// SPDX-License-Identifier: Apache-2.0
/* Trap: keyrings belong to a uid, outlive the program and are not emptied by a reset; there are
 * three calls, and filters forget one.
 * Does: add_key, request_key, keyctl on the session, user and process keyrings.
 * Observe: exit 0; the host's /proc/keys is as before. */
#include "hostile.h"
#include <linux/keyctl.h>

int main(void)
{
    only_confined();
    static const int rings[] = {KEY_SPEC_THREAD_KEYRING, KEY_SPEC_PROCESS_KEYRING,
                                KEY_SPEC_SESSION_KEYRING, KEY_SPEC_USER_KEYRING,
                                KEY_SPEC_USER_SESSION_KEYRING};
    for (size_t i = 0; i < COUNT(rings); i++) {
        forbidden("add_key", syscall(SYS_add_key, "user", "hostile", "x", 1, rings[i]));
        forbidden("request_key", syscall(SYS_request_key, "user", "hostile", NULL, rings[i]));
        forbidden("keyctl", syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID, rings[i], 1));
    }
    forbidden("keyctl(JOIN_SESSION_KEYRING)",
              syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, "hostile"));
    return 0;
}
