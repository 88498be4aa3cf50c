// SPDX-License-Identifier: Apache-2.0
/* Trap: a failed exec is taken for a fault of ours, or leaves the protocol out of step.
 * Does: makes executables that cannot be executed and tries each; with the argument leave, only
 * leaves them: garbage, empty, no-interpreter, loop, foreign, plain (not executable),
 * directory.
 * Observe: exit 0; after leave, executing each fails with its own error and ping answers. */
#include "hostile.h"
#include <elf.h>

static void make(const char *name, const void *content, size_t length, mode_t mode)
{
    int fd = (int)must("create", open(name, O_CREAT | O_EXCL | O_WRONLY, mode));
    must("write", write(fd, content, length));
    close(fd);
}

int main(int count, char **arguments)
{
    only_confined();
    Elf64_Ehdr foreign = {.e_ident = {0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, 1},
                          .e_type = ET_EXEC, .e_machine = EM_S390, .e_version = 1,
                          .e_phentsize = sizeof(Elf64_Phdr), .e_ehsize = sizeof foreign};
    static const char *const names[] = {"garbage", "empty", "no-interpreter", "loop", "foreign",
                                        "plain", "directory", "missing"};
    make("garbage", "\x01\x02\x03garbage", 10, 0755);
    make("empty", "", 0, 0755);
    make("no-interpreter", "#!/no/such/interpreter\n", 23, 0755);
    make("loop", "#!./loop\n", 9, 0755);
    make("foreign", &foreign, sizeof foreign, 0755);
    make("plain", "#!/bin/sh\n", 10, 0644);
    must("mkdir", mkdir("directory", 0755));
    if (is_mode(count, arguments, "leave")) return 0;
    for (size_t i = 0; i < COUNT(names); i++) {
        char path[32];
        snprintf(path, sizeof path, "./%s", names[i]);
        char *const argv[] = {path, NULL};
        refused(path, execve(path, argv, NULL));
    }
    return 0;
}
