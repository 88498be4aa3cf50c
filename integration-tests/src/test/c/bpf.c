// SPDX-License-Identifier: Apache-2.0
/* Trap: bpf programs run in the kernel, and most escapes of the last years began with one.
 * Does: bpf(BPF_MAP_CREATE), bpf(BPF_PROG_LOAD).
 * Observe: exit 0. */
#include "hostile.h"
#include <linux/bpf.h>

int main(void)
{
    only_confined();
    union bpf_attr map = {.map_type = BPF_MAP_TYPE_ARRAY, .key_size = 4, .value_size = 8,
                          .max_entries = 1};
    struct bpf_insn code[] = {{.code = BPF_ALU64 | BPF_MOV | BPF_K}, {.code = BPF_JMP | BPF_EXIT}};
    union bpf_attr program = {.prog_type = BPF_PROG_TYPE_SOCKET_FILTER, .insn_cnt = 2,
                              .insns = (uintptr_t)code, .license = (uintptr_t) "GPL"};
    forbidden("bpf(BPF_MAP_CREATE)", syscall(SYS_bpf, BPF_MAP_CREATE, &map, sizeof map));
    forbidden("bpf(BPF_PROG_LOAD)", syscall(SYS_bpf, BPF_PROG_LOAD, &program, sizeof program));
    return 0;
}
