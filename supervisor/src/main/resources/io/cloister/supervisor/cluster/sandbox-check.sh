# SPDX-License-Identifier: Apache-2.0
# Tries what no program in a container may succeed with, and says what did.
# Arguments: the paths that are hidden.

found() { echo "$*"; }

for directory in / /usr /etc /dev /proc /sys; do
    (: > "$directory/cloister-check") 2> /dev/null && found "can write to $directory"
done
for setting in /proc/sys/kernel/core_pattern /proc/sys/kernel/hostname /proc/sysrq-trigger; do
    (: >> "$setting") 2> /dev/null && found "can open $setting for writing"
done

mount -t tmpfs none /tmp 2> /dev/null && found "can mount"
mount -o remount,rw,bind / 2> /dev/null && found "can remount"
umount /proc 2> /dev/null && found "can unmount"
unshare --user --map-root-user true 2> /dev/null && found "can make user namespaces"
unshare --mount true 2> /dev/null && found "can make mount namespaces"
chroot / true 2> /dev/null && found "can chroot"

while read -r name value rest; do
    case $name in
        Cap*:) [ "$value" = 0000000000000000 ] || found "capabilities: $name $value" ;;
        NoNewPrivs:) [ "$value" = 1 ] || found "may gain privileges" ;;
        Seccomp:) [ "$value" = 2 ] || found "no seccomp filter" ;;
    esac
done < /proc/self/status

for map in uid_map gid_map; do
    while read -r inside outside count; do
        [ "$outside" -gt 0 ] || found "$map reaches the host's root: $inside $outside $count"
    done < /proc/self/$map
done

processes=0
for process in /proc/[0-9]*; do processes=$((processes + 1)); done
[ "$processes" -le 2 ] || found "sees $processes processes"
kill -KILL 1 2> /dev/null
(: < /proc/1/environ) 2> /dev/null && found "can read the environment of the first process"

while read -r interface rest; do
    case $interface in
        Inter-* | face* | lo:*) ;;
        *) found "network interface $interface" ;;
    esac
done < /proc/net/dev

[ -r /etc/shadow ] && found "can read /etc/shadow"
for path; do
    if [ -d "$path" ]; then
        [ -z "$(ls -A "$path" 2> /dev/null)" ] || found "$path is not hidden"
    elif [ -n "$(head -c 1 "$path" 2> /dev/null | od -A n)" ]; then
        found "$path is not hidden"
    fi
done
exit 0
