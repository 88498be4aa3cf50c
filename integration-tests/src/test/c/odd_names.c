// SPDX-License-Identifier: Apache-2.0
/* Trap: names that are not text: java.io.File can neither see nor delete them.
 * Does: makes files and directories with newlines, control characters, invalid UTF-8, options,
 * blanks, and of the greatest length.
 * Observe: exit 0; delete of the tree and reset work, then the directory is empty. */
#include "hostile.h"

int main(void)
{
    only_confined();
    char longest[256];
    memset(longest, '\xfe', 255);
    longest[255] = 0;
    const char *const names[] = {
        "a\nb", "\n", " ", "-rf", "...", "\x01\x1b[2J", "\xff\xfe\xfd", "\xc3(", "\xed\xa0\x80",
        "\xf4\x90\x80\x80", "caf\xc3\xa9", "cafe\xcc\x81", "a\\b", "*", "$(id)", "\x7f", longest,
    };
    char directory[PATH_MAX];
    must("mkdir", mkdir("odd", 0755));
    for (size_t i = 0; i < COUNT(names); i++) {
        must("create", open(names[i], O_CREAT | O_EXCL | O_WRONLY, 0644));
        snprintf(directory, sizeof directory, "odd/%s", names[i]);
        must("mkdir", mkdir(directory, 0755));
        must("symlink", symlinkat(names[i], open(directory, O_RDONLY), names[i]));
    }
    return 0;
}
