#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Runs a command on another kernel: in an emulated machine that sees the files of this one, with a
# tmpfs over them that takes what is written, and that has every controller of control groups in
# version 2. So both versions are tested, whatever this machine has, and so are other kernels.
#
#   vm.sh fetch [KERNEL]
#       gets a kernel: "stock" is that of this machine's release of Debian, "backports" the newest
#       that was built for it
#   vm.sh missing [KERNEL]
#       says what is missing to run it, nothing if nothing is
#   vm.sh run [--kernel KERNEL] [--shared DIR] [--time DURATION] [--] [COMMAND [ARGUMENT...]]
#       runs a command as root, in this directory, with the same search path and language; without
#       one, an interactive shell. KERNEL is "stock" unless told. DIR is the one directory of this
#       machine that can be written from there: as /run/shared. It gets the machine's console too.
#       DURATION is when to give up, as timeout(1) takes it; 15m unless told.
#
# The emulator is QEMU without hardware virtualization: it runs anywhere, some 10 to 20 times slower
# than the machine. It needs no root; but files that this user cannot read cannot be read there
# either. /tmp and /run are empty there, but for this project. Kernels are kept in
# ${XDG_CACHE_HOME:-~/.cache}/cloister/kernels, without the modules that are not needed.
#
# exit codes: that of the command; 69 when something is missing; 70 when the machine ended before the
# command did; 124 when it took too long.
set -euo pipefail

here=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
project=$(readlink -f "$here/../../../..")
readonly here project
readonly kernels=${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/cloister/kernels
readonly emulator=qemu-system-x86_64
# What the machine needs before it sees this one's files.
readonly modules=(virtio_pci 9pnet_virtio 9p overlay)

scratch=
trap 'if [[ -n $scratch ]]; then rm -rf "$scratch"; fi' EXIT

die() { # CODE MESSAGE
    printf 'vm: %s\n' "${*:2}" >&2
    exit "$1"
}

# ---- kernels ----------------------------------------------------------------------------------

# Sets apt to options for lists that have nothing but the backports of this machine's release, from
# where its own packages come: the machine's own lists stay as they are.
look_into_backports() {
    local at source
    # shellcheck disable=SC2016  # apt fills them in
    source=$(apt-get indextargets --format '$(ORIGIN)|$(LABEL)|$(CODENAME)|$(REPO_URI)' |
        awk -F '|' '$1 == "Debian" && $2 == "Debian" && $3 !~ /-/ { print $4, $3 "-backports"; exit }')
    [[ -n $source ]] || die 69 "apt knows no release of Debian whose backports could be used"
    at=$scratch/apt
    mkdir -p "$at/lists/partial" "$at/archives/partial"
    echo "deb $source main" > "$at/sources.list"
    apt=(-o "Dir::Etc::sourcelist=$at/sources.list" -o Dir::Etc::sourceparts=-
        -o "Dir::State::lists=$at/lists" -o "Dir::Cache=$at"
        -o APT::Sandbox::User=root -o Acquire::Languages=none)
    apt-get -qq "${apt[@]}" update > "$scratch/log" 2>&1 ||
        die 69 "cannot read the list of $source: $(tail -n 1 "$scratch/log")"
}

# Copies a module after those it depends on; each gets a number as its name, in order of loading.
take_module() { # NAME DIRECTORY
    local file name=${1//-/_} needed
    [[ -z ${taken[$name]:-} ]] || return 0
    taken[$name]=yes
    file=$(find "$scratch" -name "$name.ko*" -print -quit)
    [[ -n $file ]] || return 0 # part of the kernel itself
    case $file in
    *.xz) xz -d "$file" ;;
    *.zst) zstd -q -d --rm "$file" ;;
    esac
    file=${file%.ko*}.ko
    for needed in $(tr '\0' '\n' < "$file" | sed -n 's/^depends=//p' | tr ',' ' '); do
        take_module "$needed" "$2"
    done
    cp "$file" "$2/$count"
    count=$((count + 1))
}

fetch() { # KERNEL
    local kernel=$1 package version directory apt=() count=0 name
    local -A taken=()
    local patterns=('*/boot/vmlinuz-*' '*/kernel/drivers/virtio/*' '*/kernel/net/9p/*'
        '*/kernel/fs/9p/*' '*/kernel/fs/netfs/*' '*/kernel/fs/fscache/*' '*/kernel/fs/overlayfs/*')
    [[ $(uname -m) == x86_64 ]] || die 69 "kernels are fetched for x86-64 only"
    [[ -n $(command -v apt-get) && -n $(command -v dpkg-deb) ]] ||
        die 69 "no apt: kernels are those of Debian's packages"
    scratch=$(mktemp -d)
    export LC_ALL=C # for words that are read below
    case $kernel in
    stock) ;;
    backports) look_into_backports ;;
    *) die 2 "there is no kernel '$kernel'" ;;
    esac
    package=$(apt-cache "${apt[@]}" depends linux-image-amd64 2> /dev/null |
        sed -n 's/^ *Depends: \(linux-image-[^ ]*\).*/\1/p' | head -n 1 || true)
    [[ -n $package ]] || die 69 "apt has no package linux-image-amd64 (of $kernel); Debian has it"
    version=$(apt-cache "${apt[@]}" show "$package" | sed -n 's/^Version: //p' | head -n 1)
    if [[ $(cat "$kernels/$kernel/package" 2> /dev/null) == "$package $version" ]]; then
        return
    fi
    echo "vm: fetching $package $version" >&2
    (cd "$scratch" && apt-get -qq "${apt[@]}" -o APT::Sandbox::User=root download "$package") \
        > "$scratch/log" 2>&1 ||
        die 69 "cannot fetch $package: $(tail -n 1 "$scratch/log")"
    dpkg-deb --fsys-tarfile "$scratch/$package"_*.deb |
        tar -x -C "$scratch" --wildcards "${patterns[@]}" 2> "$scratch/log" ||
        true # no kernel has all of them
    directory=$scratch/made
    mkdir -p "$directory/modules"
    mv "$scratch"/boot/vmlinuz-* "$directory/vmlinuz" || die 70 "$package has no kernel"
    for name in "${modules[@]}"; do
        take_module "$name" "$directory/modules"
    done
    echo "$package $version" > "$directory/package"
    mkdir -p "$kernels"
    rm -rf "${kernels:?}/$kernel"
    mv "$directory" "$kernels/$kernel"
}

missing() { # KERNEL
    if [[ $(uname -m) != x86_64 ]]; then
        echo "the emulated machine is x86-64, this one is not"
    elif ! command -v "$emulator" > /dev/null; then
        echo "no $emulator (Debian, Ubuntu: apt-get install qemu-system-x86)"
    elif [[ ! -e $kernels/$1/package ]]; then
        echo "no kernel for the emulated machine (on Debian: ./cloister vm fetch $1)"
    fi
}

# ---- running ----------------------------------------------------------------------------------

pad() { # SIZE: zeros up to the next multiple of four
    head -c $(((4 - $1 % 4) % 4)) /dev/zero
}

# A member of an archive in cpio's "newc" format (cpio(5)).
member() { # NAME MODE [FILE]
    local size=0 links=1
    [[ -z ${3:-} ]] || size=$(stat -c %s "$3")
    printf '070701%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%s\0' \
        0 "$2" 0 0 $links 0 "$size" 0 0 0 0 $((${#1} + 1)) 0 "$1"
    pad $((110 + ${#1} + 1))
    [[ -z ${3:-} ]] || cat "$3"
    pad "$size"
}

ram_disk() { # KERNEL BOOT-PROGRAM
    local module
    member init 0100755 "$2"
    member modules 040755
    for module in "$kernels/$1"/modules/*; do
        member "modules/${module##*/}" 0100644 "$module"
    done
    member 'TRAILER!!!' 0
}

run() {
    local kernel=stock shared='' time=15m variable why status=0
    while (($#)); do
        case $1 in
        --kernel) kernel=$2 ;;
        --shared) shared=$2 ;;
        --time) time=$2 ;;
        --)
            shift
            break
            ;;
        -*) die 2 "there is no option '$1'" ;;
        *) break ;;
        esac
        shift 2
    done
    why=$(missing "$kernel")
    [[ -z $why ]] || die 69 "$why"
    scratch=$(mktemp -d)
    shared=${shared:-$scratch}
    rm -f "$shared/status"
    (($#)) || set -- "${SHELL:-/bin/sh}" -i
    {
        for variable in PATH HOME LANG LC_ALL TERM; do
            [[ -z ${!variable:-} ]] || printf 'export %s=%q\n' "$variable" "${!variable}"
        done
        printf 'cd %q || exit\nexec' "$PWD"
        printf ' %q' "$@"
    } > "$shared/command"
    ${CC:-cc} -O1 -Wall -static -o "$scratch/boot" "$here/boot.c" ||
        die 69 "cannot compile the emulated machine's first program"
    ram_disk "$kernel" "$scratch/boot" > "$scratch/initrd"
    timeout --foreground "$time" "$emulator" -nodefaults -no-user-config -no-reboot -display none \
        -accel tcg,thread=multi -cpu max -smp 2 -m 3072 \
        -kernel "$kernels/$kernel/vmlinuz" -initrd "$scratch/initrd" \
        -append "console=ttyS1 quiet panic=-1 cgroup_no_v1=all PROJECT=\"$project\"" \
        -chardev stdio,id=terminal,signal=off -serial chardev:terminal \
        -serial "file:$shared/console" \
        -virtfs local,path=/,mount_tag=host,security_model=none,readonly=on,multidevs=remap \
        -virtfs "local,path=$shared,mount_tag=shared,security_model=none" || status=$?
    if ((status == 124)); then
        die 124 "the emulated machine took longer than $time"
    elif [[ ! -s $shared/status ]]; then
        tail -n 20 "$shared/console" >&2 || true
        die 70 "the emulated machine ended before the command did; above is the end of its console"
    fi
    return "$(cat "$shared/status")"
}

case ${1:-} in
fetch) fetch "${2:-stock}" ;;
missing) missing "${2:-stock}" ;;
run) run "${@:2}" ;;
*) die 2 "it is fetch, missing or run; the beginning of $here/vm.sh explains" ;;
esac
