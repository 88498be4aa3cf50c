// SPDX-License-Identifier: Apache-2.0
// Compares a filter with the one that libseccomp makes of the same rules: both are run, in a small
// interpreter, on calls chosen to be near the rules' values. Tells the first difference.
//
//     oci_compare FILTER < RULES
//
// FILTER is a file of struct sock_filter. RULES: the default action, then one rule a line, numbers
// in C's notation:
//     action
//     action name conditions {argument operator value value}
// with libseccomp's numbers for actions and its names for operators. Names that it does not know
// are left out, here as by container engines.
#include <inttypes.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { CALLS = 300000, MAX_VALUES = 4096, MAX_NUMBERS = 4096 };

static uint64_t values[MAX_VALUES] = {0, 1, 2, 0xffffffff, 0x100000000, UINT64_MAX};
static size_t value_count = 6;
static int numbers[MAX_NUMBERS];
static size_t number_count;

static void fail(const char *what)
{
    fprintf(stderr, "%s\n", what);
    exit(1);
}

static uint32_t decide(const struct sock_filter *p, const struct seccomp_data *data)
{
    uint32_t a = 0;
    for (;; p++) {
        switch (p->code) {
        case BPF_LD | BPF_W | BPF_ABS:
            memcpy(&a, (const char *)data + p->k, sizeof a);
            break;
        case BPF_ALU | BPF_AND | BPF_K:
            a &= p->k;
            break;
        case BPF_JMP | BPF_JA:
            p += p->k;
            break;
        case BPF_JMP | BPF_JEQ | BPF_K:
            p += a == p->k ? p->jt : p->jf;
            break;
        case BPF_JMP | BPF_JGT | BPF_K:
            p += a > p->k ? p->jt : p->jf;
            break;
        case BPF_JMP | BPF_JGE | BPF_K:
            p += a >= p->k ? p->jt : p->jf;
            break;
        case BPF_JMP | BPF_JSET | BPF_K:
            p += a & p->k ? p->jt : p->jf;
            break;
        case BPF_RET | BPF_K:
            return p->k;
        default:
            fail("an instruction that the interpreter lacks");
        }
    }
}

static struct sock_filter *load(FILE *file)
{
    static struct sock_filter filters[2][4097];
    static int next;
    struct sock_filter *filter = filters[next++];
    if (!file || !fread(filter, sizeof *filter, 4096, file)) fail("no filter");
    return filter;
}

static enum scmp_compare comparison(const char *name)
{
    static const char *const names[] = {"", "NE", "LT", "LE", "EQ", "GE", "GT", "MASKED_EQ"};
    for (unsigned i = 1; i < sizeof names / sizeof *names; i++)
        if (strcmp(name, names[i]) == 0) return (enum scmp_compare)i;
    fail("an unknown operator");
    return 0;
}

static void read_rules(scmp_filter_ctx filter)
{
    char name[64], operator[16];
    uint32_t action;
    unsigned count;
    while (scanf("%" SCNi32 " %63s %u", (int32_t *)&action, name, &count) == 3) {
        struct scmp_arg_cmp conditions[6];
        if (count > 6) fail("too many conditions");
        for (unsigned i = 0; i < count; i++) {
            struct scmp_arg_cmp *c = &conditions[i];
            if (scanf("%u %15s %" SCNu64 " %" SCNu64, &c->arg, operator, &c->datum_a,
                      &c->datum_b) != 4)
                fail("a bad condition");
            c->op = comparison(operator);
            if (value_count + 4 < MAX_VALUES) {
                values[value_count++] = c->datum_a;
                values[value_count++] = c->datum_a + 1;
                values[value_count++] = c->datum_a - 1;
                values[value_count++] = c->datum_b;
            }
        }
        int number = seccomp_syscall_resolve_name(name);
        if (number < 0) continue;
        if (number_count < MAX_NUMBERS) numbers[number_count++] = number;
        int error = seccomp_rule_add_array(filter, action, number, count, conditions);
        if (error) {
            fprintf(stderr, "%s: error %d\n", name, -error);
            exit(1);
        }
    }
}

static uint64_t any(void)
{
    static uint64_t state = 88172645463325252;
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

int main(int count, char **arguments)
{
    uint32_t otherwise;
    if (count != 2 || scanf("%" SCNi32, (int32_t *)&otherwise) != 1) return 2;
    scmp_filter_ctx filter = seccomp_init(otherwise);
    if (!filter) return 2;
    read_rules(filter);
    FILE *theirs_file = tmpfile();
    if (!theirs_file || seccomp_export_bpf(filter, fileno(theirs_file))) fail("export");
    rewind(theirs_file);
    struct sock_filter *theirs = load(theirs_file);
    struct sock_filter *ours = load(fopen(arguments[1], "r"));
    if (!number_count) fail("no rules");
    for (int i = 0; i < CALLS; i++) {
        struct seccomp_data call = {0};
        call.nr = any() % 8 ? numbers[any() % number_count] : (int)(any() % 150);
#if defined(__x86_64__)
        call.arch = AUDIT_ARCH_X86_64;
#else
        call.arch = AUDIT_ARCH_AARCH64;
#endif
        for (int j = 0; j < 6; j++) call.args[j] = values[any() % value_count];
        if (call.nr == seccomp_syscall_resolve_name("personality"))
            call.args[0] &= UINT32_MAX; /* the kernel looks no further, and so do we */
        uint32_t a = decide(ours, &call), b = decide(theirs, &call);
        if (a != b) {
            printf("%d(%" PRIx64 ", %" PRIx64 ", %" PRIx64 ", …): %x, libseccomp: %x\n", call.nr,
                   (uint64_t)call.args[0], (uint64_t)call.args[1], (uint64_t)call.args[2], a, b);
            return 1;
        }
    }
    printf("same\n");
    return 0;
}
