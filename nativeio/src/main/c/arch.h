// SPDX-License-Identifier: Apache-2.0
/* What a processor architecture must bring: a raw system call, a clone3 that survives a new stack,
 * and the entry point. syscall(2) lists the registers. */
#ifndef CLOISTER_ARCH_H
#define CLOISTER_ARCH_H

#define STRING(x) #x
#define NUMBER(x) STRING(x)

/* clone3(args, size) whose child calls run(arg) and never returns, on args' stack if it has one. */
long clone3_call(const struct clone_args *args, size_t size, void (*run)(void *), void *arg);

#if defined(__x86_64__)
static long raw(long n, long a, long b, long c, long d, long e, long f)
{
    register long r10 __asm__("r10") = d;
    register long r8 __asm__("r8") = e;
    register long r9 __asm__("r9") = f;
    __asm__ volatile("syscall" : "+a"(n) : "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                     : "rcx", "r11", "memory");
    return n;
}
__asm__(".globl clone3_call\nclone3_call:\n"
        " mov %rdx, %r8\n mov %rcx, %r9\n mov $" NUMBER(__NR_clone3) ", %eax\n syscall\n"
        " test %rax, %rax\n jz 1f\n ret\n"
        "1: xor %ebp, %ebp\n and $-16, %rsp\n mov %r9, %rdi\n call *%r8\n ud2\n"
        ".globl _start\n_start:\n xor %ebp, %ebp\n and $-16, %rsp\n call start\n ud2\n");
#elif defined(__aarch64__)
static long raw(long n, long a, long b, long c, long d, long e, long f)
{
    register long x8 __asm__("x8") = n;
    register long x0 __asm__("x0") = a;
    register long x1 __asm__("x1") = b;
    register long x2 __asm__("x2") = c;
    register long x3 __asm__("x3") = d;
    register long x4 __asm__("x4") = e;
    register long x5 __asm__("x5") = f;
    __asm__ volatile("svc #0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5)
                     : "memory");
    return x0;
}
__asm__(".globl clone3_call\nclone3_call:\n"
        " mov x9, x2\n mov x10, x3\n mov x8, #" NUMBER(__NR_clone3) "\n svc #0\n"
        " cbz x0, 1f\n ret\n"
        "1: mov x29, xzr\n mov x30, xzr\n mov x0, x10\n blr x9\n brk #1\n"
        ".globl _start\n_start:\n mov x29, xzr\n mov x30, xzr\n bl start\n brk #1\n");
#else
#error "Cloister's init supports x86-64 and aarch64"
#endif

#endif
