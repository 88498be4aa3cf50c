// SPDX-License-Identifier: Apache-2.0
/* Trap: directories that their owner may not enter and files nobody may touch; attributes that
 * make files immutable.
 * Does: a tree of mode 000, sticky and set-group-ID directories, files of mode 000, the
 * immutable attribute where the file system lets it.
 * Observe: exit 0; delete of the tree and reset work, then the directory is empty. */
#include "hostile.h"
#include <linux/fs.h>
#include <sys/ioctl.h>

int main(void)
{
    only_confined();
    must("mkdir", mkdir("locked", 0755));
    must("mkdir", mkdir("locked/a", 0755));
    must("mkdir", mkdir("locked/a/b", 03777));
    int fd = (int)must("create", open("locked/a/b/file", O_CREAT | O_WRONLY, 0));
    int immutable = FS_IMMUTABLE_FL | FS_APPEND_FL;
    (void)ioctl(fd, FS_IOC_SETFLAGS, &immutable);
    must("chmod", chmod("locked/a/b", 0));
    must("chmod", chmod("locked/a", 0));
    must("chmod", chmod("locked", 0));
    return 0;
}
