// SPDX-License-Identifier: Apache-2.0
// Writes the filter that libseccomp makes of a policy to standard output.
//
// Standard input: one rule a line, all in C's notation for numbers:
//     errno number conditions {argument operator value value}
// with the operators of enum scmp_compare. Everything else is allowed; other architectures are
// killed.
#include <inttypes.h>
#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static void check(int result, const char *what)
{
    if (result < 0) {
        fprintf(stderr, "%s: error %d\n", what, -result);
        exit(1);
    }
}

int main(void)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
    if (!filter)
        return 1;
    check(seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS), "badarch");
    check(seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2), "optimize");
    int error, number;
    unsigned int count;
    while (scanf("%d %d %u", &error, &number, &count) == 3 && count <= 6) {
        struct scmp_arg_cmp conditions[6];
        for (unsigned int i = 0; i < count; i++) {
            unsigned int argument, op;
            if (scanf("%u %u %" SCNi64 " %" SCNi64, &argument, &op,
                      (int64_t *)&conditions[i].datum_a, (int64_t *)&conditions[i].datum_b) != 4)
                return 1;
            conditions[i].arg = argument;
            conditions[i].op = op;
        }
        check(seccomp_rule_add_array(filter, SCMP_ACT_ERRNO(error), number, count, conditions),
              "rule");
    }
    check(seccomp_export_bpf(filter, STDOUT_FILENO), "export");
    return 0;
}
