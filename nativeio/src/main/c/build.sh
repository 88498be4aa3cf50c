#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Compiles init for this machine, and for the other architecture when a cross compiler is there, and
# writes what Java must know of the kernel's headers: linux-ARCH.properties (constants and struct
# layouts, from constants.c) and syscalls-ARCH.properties (every system call's number).
#
# usage: build.sh OUTPUT_DIRECTORY
set -euo pipefail
cd "$(dirname "$0")"
out=${1:?usage: build.sh OUTPUT_DIRECTORY}
mkdir -p "$out"

flags=(-std=gnu11 -O2 -Wall -Wextra -Werror -static -nostdlib -ffreestanding -fno-builtin
    -fno-stack-protector -fno-asynchronous-unwind-tables -fno-tree-loop-distribute-patterns
    -fno-pie -no-pie -Wl,--build-id=none -Wl,-z,noexecstack -s)

build() { # ARCH COMPILER
    local arch=$1 cc=$2
    "$cc" "${flags[@]}" -o "$out/init-$arch" init.c
    # The compiler evaluates each expression and leaves it in the assembly as "@@NAME VALUE".
    "$cc" -std=gnu11 -O0 -w -S -o - constants.c |
        sed -n 's/^.*@@\([A-Za-z0-9_]*\) [$#]*\(-\{0,1\}[0-9]*\)$/\1=\2/p' |
        LC_ALL=C sort -u > "$out/linux-$arch.properties"
    # Names come from the macros, values from the preprocessor: some headers define sums.
    "$cc" -E -dM -include asm/unistd.h -x c /dev/null |
        sed -n 's/^#define __NR_\([a-z][a-z0-9_]*\) .*/\1 __NR_\1/p' |
        "$cc" -E -P -include asm/unistd.h -x c - |
        sed -n 's/^\([a-z][a-z0-9_]*\) \(.*[0-9].*\)$/\1 \2/p' |
        while read -r name value; do
            [[ $value =~ ^[0-9\ ()+-]+$ ]] && printf '%s=%d\n' "$name" "$((value))"
        done | LC_ALL=C sort -u > "$out/syscalls-$arch.properties"
    [[ -s $out/linux-$arch.properties && -s $out/syscalls-$arch.properties ]] || {
        echo "build.sh: no constants came out of $cc" >&2
        exit 1
    }
}

case $(uname -m) in
x86_64) here=x86_64 other=aarch64 ;;
aarch64) here=aarch64 other=x86_64 ;;
*)
    echo "build.sh: Cloister supports x86-64 and aarch64, not $(uname -m)" >&2
    exit 1
    ;;
esac

command -v cc > /dev/null || {
    echo "build.sh: no C compiler (cc). On Debian and Ubuntu: apt-get install gcc libc6-dev" >&2
    exit 1
}
printf '#include <linux/openat2.h>\n#include <sys/syscall.h>\n' | cc -E -x c - > /dev/null 2>&1 || {
    echo "build.sh: no kernel headers. On Debian and Ubuntu: apt-get install libc6-dev linux-libc-dev" >&2
    exit 1
}
build "$here" cc
if command -v "$other-linux-gnu-gcc" > /dev/null; then
    build "$other" "$other-linux-gnu-gcc"
else
    echo "build.sh: no $other-linux-gnu-gcc: this build runs on $here only" >&2
fi
