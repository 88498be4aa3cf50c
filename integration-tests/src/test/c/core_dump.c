// SPDX-License-Identifier: Apache-2.0
/* Trap: a core dump fills the disk, or starts the host's core handler.
 * Does: raises its core limit, then dies of SIGSEGV.
 * Observe: killed by signal 11 without a core; no file in the working directory. */
#include "hostile.h"
#include <sys/resource.h>

int main(void)
{
    only_confined();
    struct rlimit unlimited = {RLIM_INFINITY, RLIM_INFINITY};
    refused("RLIMIT_CORE", setrlimit(RLIMIT_CORE, &unlimited));
    kill(getpid(), SIGSEGV);
    broken("alive");
}
