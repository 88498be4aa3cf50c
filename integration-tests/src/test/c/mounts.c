// SPDX-License-Identifier: Apache-2.0
/* Trap: every mount call, the old ones and the new, and chroot.
 * Does: mount, umount, pivot_root, chroot, fsopen, open_tree, move_mount, mount_setattr.
 * Observe: exit 0; the host's mounts are as before. */
#include "hostile.h"
#include <linux/mount.h>
#include <sys/mount.h>

int main(void)
{
    only_confined();
    refused("mount of a tmpfs", mount("tmpfs", ".", "tmpfs", 0, NULL));
    refused("bind mount", mount("/proc", ".", NULL, MS_BIND, NULL));
    refused("remount of the root", mount(NULL, "/", NULL, MS_REMOUNT | MS_BIND, NULL));
    refused("remount of /usr", mount(NULL, "/usr", NULL, MS_REMOUNT | MS_BIND, NULL));
    refused("mount of proc", mount("proc", ".", "proc", 0, NULL));
    refused("umount of /proc", umount2("/proc", MNT_DETACH));
    refused("umount of a mask", umount2("/proc/kcore", MNT_DETACH));
    refused("umount of the root", umount2("/", MNT_DETACH));
    refused("pivot_root", syscall(SYS_pivot_root, ".", "."));
    refused("chroot", chroot("."));
    refused("fsopen", syscall(SYS_fsopen, "tmpfs", 0));
    refused("fspick", syscall(SYS_fspick, AT_FDCWD, "/", 0));
    refused("open_tree", syscall(SYS_open_tree, AT_FDCWD, "/", OPEN_TREE_CLONE | AT_RECURSIVE));
    refused("move_mount", syscall(SYS_move_mount, AT_FDCWD, "/proc", AT_FDCWD, ".", 0));
    struct mount_attr writable = {.attr_clr = MOUNT_ATTR_RDONLY};
    refused("mount_setattr",
            syscall(SYS_mount_setattr, AT_FDCWD, "/", AT_RECURSIVE, &writable, sizeof writable));
    return 0;
}
