// SPDX-License-Identifier: Apache-2.0
/* Trap: System V IPC survives its creators as long as the namespace lives; a reset that only
 * deletes files leaves it to the next run.
 * Does: leaves shared memory, a semaphore set and a message queue with a message; with the
 * argument find, looks for any.
 * Observe: exit 0; after a reset, exit 0 with find. */
#include "hostile.h"
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>

enum { KEY = 0x484f5354 };

int main(int count, char **arguments)
{
    only_confined();
    if (is_mode(count, arguments, "find")) {
        refused("shmget", shmget(KEY, 0, 0));
        refused("semget", semget(KEY, 0, 0));
        refused("msgget", msgget(KEY, 0));
        struct shminfo information;
        int highest = shmctl(0, IPC_INFO, (struct shmid_ds *)&information);
        struct shmid_ds segment;
        for (int i = 0; i <= highest; i++) refused("SHM_STAT", shmctl(i, SHM_STAT, &segment));
        return 0;
    }
    int memory = shmget(KEY, 1 << 20, IPC_CREAT | IPC_EXCL | 0666);
    must("shmget", memory);
    char *address = shmat(memory, NULL, 0);
    if (address == (char *)-1) broken("shmat");
    strcpy(address, "left behind");
    must("semget", semget(KEY, 4, IPC_CREAT | IPC_EXCL | 0666));
    int queue = (int)must("msgget", msgget(KEY, IPC_CREAT | IPC_EXCL | 0666));
    struct { long type; char text[16]; } message = {1, "left behind"};
    must("msgsnd", msgsnd(queue, &message, sizeof message.text, 0));
    return 0;
}
