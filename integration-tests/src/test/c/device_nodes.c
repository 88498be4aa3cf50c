// SPDX-License-Identifier: Apache-2.0
/* Trap: a device node of one's own is as good as the device.
 * Does: mknod of memory, disks and console; opens the host's devices.
 * Observe: exit 0. */
#include "hostile.h"
#include <sys/sysmacros.h>

int main(void)
{
    only_confined();
    static const struct { mode_t type; unsigned major, minor; } nodes[] = {
        {S_IFCHR, 1, 1}, {S_IFCHR, 1, 11}, {S_IFCHR, 5, 1}, {S_IFBLK, 8, 0}, {S_IFBLK, 254, 0},
        {S_IFBLK, 259, 0}, {S_IFCHR, 10, 229}, {S_IFCHR, 10, 232},
    };
    static const char *const devices[] = {
        "/dev/mem", "/dev/kmsg", "/dev/port", "/dev/sda", "/dev/vda", "/dev/nvme0n1", "/dev/kvm",
        "/dev/fuse", "/dev/net/tun", "/dev/console", "/dev/tty0", "/dev/loop0", "/dev/loop-control",
        "/dev/vsock", "/dev/vhost-vsock", "/dev/uinput",
    };
    char name[32];
    for (size_t i = 0; i < COUNT(nodes); i++) {
        snprintf(name, sizeof name, "node%zu", i);
        dev_t device = makedev(nodes[i].major, nodes[i].minor);
        refused("mknod", mknod(name, nodes[i].type | 0666, device));
    }
    for (size_t i = 0; i < COUNT(devices); i++)
        refused(devices[i], open(devices[i], O_RDONLY | O_NONBLOCK));
    return 0;
}
