// SPDX-License-Identifier: Apache-2.0
/* Trap: PID 1 as a confused deputy: what lies at the place of an expected output file is opened
 * with PID 1's rights, or opening it blocks for ever.
 * Does: puts at `output` what its argument says: fifo, socket, directory, dangling, loop, link
 * (to /proc/1/environ), component (`out` is a link to /proc/1, so out/environ leads there),
 * device (a link to /dev/zero), mode000 (a plain file).
 * Observe: exit 0; then opening output (component: out/environ) for reading fails at once as
 * not a regular file, except mode000, which is one; the container stays usable. */
#include "hostile.h"
#include <sys/socket.h>
#include <sys/un.h>

int main(int count, char **arguments)
{
    only_confined();
    if (is_mode(count, arguments, "fifo")) {
        must("mkfifo", mkfifo("output", 0666));
    } else if (is_mode(count, arguments, "socket")) {
        struct sockaddr_un name = {.sun_family = AF_UNIX, .sun_path = "output"};
        int fd = (int)must("socket", socket(AF_UNIX, SOCK_STREAM, 0));
        must("bind", bind(fd, (struct sockaddr *)&name, sizeof name));
    } else if (is_mode(count, arguments, "directory")) {
        must("mkdir", mkdir("output", 0777));
    } else if (is_mode(count, arguments, "dangling")) {
        must("symlink", symlink("/nowhere/at/all", "output"));
    } else if (is_mode(count, arguments, "loop")) {
        must("symlink", symlink("output", "output"));
    } else if (is_mode(count, arguments, "link")) {
        must("symlink", symlink("/proc/1/environ", "output"));
    } else if (is_mode(count, arguments, "device")) {
        must("symlink", symlink("/dev/zero", "output"));
    } else if (is_mode(count, arguments, "component")) {
        must("symlink", symlink("/proc/1", "out"));
    } else if (is_mode(count, arguments, "mode000")) {
        must("create", open("output", O_CREAT | O_WRONLY, 0));
    } else {
        broken("needs to know what");
    }
    return 0;
}
