// SPDX-License-Identifier: Apache-2.0
/* The wire between the worker and init. The build hands these numbers to Java (constants.c). */
#ifndef CLOISTER_INIT_H
#define CLOISTER_INIT_H

#include <stdint.h>

struct instruction {
    uint16_t op;   /* a system call's number, FORK, REPLY or WATCH */
    uint8_t flags; /* CONT | IGN | REPEAT | ALWAYS | POSITIVE */
    uint8_t ind;   /* bit i: a[i] is the address of the i64 to use */
    uint32_t aux;  /* IGN: the errno; FORK: length of the child's block; REPLY: 1 = send now */
    int64_t a[6];
};

struct message {
    uint32_t count, data_len;
    uint32_t serial, zero; /* the serial comes back in every reply to this message */
    unsigned char data[];
};

struct reply {
    uint32_t serial;
    uint16_t kind, count; /* how many results follow */
    int32_t fail, error;  /* fail: the 1-based step, 0 = none, -1 = a bad message */
};

struct watch { /* the limits of a WATCH: times in ns */
    int64_t wall, cpu; /* cpu: 0 = none */
    int64_t scale;     /* ns to a unit of the file of CPU time */
    int64_t cores;     /* how many can be busy at a time */
};

_Static_assert(sizeof(struct instruction) == 56 && sizeof(struct reply) == 16, "wire layout");

#define SOCK 3 /* the only descriptor that outlives a message, beside 0, 1 and 2 */

/* instruction.op beyond the system calls */
#define FORK 0x8000
#define REPLY 0x8001
#define WATCH 0x8002

/* instruction.flags */
#define CONT 1     /* go on after an error */
#define IGN 2      /* go on if errno == aux */
#define REPEAT 4   /* again while the result is > 0 */
#define ALWAYS 8   /* run even after a failure: clean-up */
#define POSITIVE 16 /* a result of 0 (end of file) is a failure too */
#define FLAGS 31

/* reply.kind */
#define FINAL 0
#define EARLY 1

/* The three areas, at fixed addresses */
#define RESULTS_AT 0x10000000UL
#define DESCRIPTORS_AT 0x11000000UL
#define MESSAGE_AT 0x12000000UL

#define COUNT_MAX 4096
#define RESULTS_SIZE (COUNT_MAX * 8UL)
#define DESCRIPTORS_MAX 253 /* SCM_MAX_FD of net/scm.h */
#define DESCRIPTORS_SIZE (DESCRIPTORS_MAX * 8UL)
#define MESSAGE_MAX 0x40000UL
#define MESSAGE_KEEP 0x4000 /* give the memory of larger messages back */

#define NOT_RUN (-4096L) /* the result of an instruction that was skipped: no errno is that large */

#endif
