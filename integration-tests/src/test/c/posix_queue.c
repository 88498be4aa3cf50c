// SPDX-License-Identifier: Apache-2.0
/* Trap: POSIX message queues live in the IPC namespace, without any file to be seen.
 * Does: leaves a queue with a message; with the argument find, looks for it.
 * Observe: exit 0; after a reset, exit 0 with find. */
#include "hostile.h"
#include <mqueue.h>

int main(int count, char **arguments)
{
    only_confined();
    if (is_mode(count, arguments, "find")) {
        refused("mq_open", mq_open("/hostile", O_RDWR));
        return 0;
    }
    mqd_t queue = mq_open("/hostile", O_RDWR | O_CREAT | O_EXCL, 0666, NULL);
    if (queue < 0) {
        /* A process limit of zero bytes for queues is an answer too. */
        if (errno == EMFILE || errno == ENOSYS || errno == ENOSPC) return 0;
        broken("mq_open");
    }
    must("mq_send", mq_send(queue, "left behind", 11, 0));
    return 0;
}
