// SPDX-License-Identifier: Apache-2.0
package io.cloister.nativeio.socket;

import com.sun.jna.Memory;
import io.cloister.nativeio.libc.Linux;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;

/** A path as a struct sockaddr_un: unix(7). */
final class UnixAddress {
    private static final int LONGEST = Linux.sockaddr_un_SIZE - Linux.sockaddr_un_sun_path - 1;

    private UnixAddress() {}

    static Memory of(Path path) throws IOException {
        byte[] name = path.toString().getBytes(StandardCharsets.UTF_8);
        if (name.length == 0 || name.length > LONGEST) {
            throw new IOException(
                    "a socket's path must have 1 to %d bytes, and this one has %d: choose another for %s"
                            .formatted(LONGEST, name.length, path));
        }
        Memory address = new Memory(Linux.sockaddr_un_SIZE);
        address.clear();
        address.setShort(Linux.sockaddr_un_sun_family, (short) Linux.AF_UNIX);
        address.write(Linux.sockaddr_un_sun_path, name, 0, name.length);
        return address;
    }
}
