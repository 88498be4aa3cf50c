// SPDX-License-Identifier: Apache-2.0
package io.cloister.nativeio.socket;

import com.sun.jna.Memory;
import com.sun.jna.Native;
import com.sun.jna.Pointer;
import io.cloister.nativeio.fd.Fd;
import io.cloister.nativeio.libc.Linux;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;

/**
 * What sendmsg(2) and recvmsg(2) take: a struct msghdr, its one struct iovec, and room for control
 * messages, cmsg(3), with as many descriptors as a packet can have. Not for two threads at once.
 */
final class MessageHeader {
    private static final int IOVEC = Linux.msghdr_SIZE;
    private static final int CONTROL = IOVEC + Linux.iovec_SIZE;

    /** Of one message with all descriptors. */
    private static final int CONTROL_BYTES =
            aligned(Linux.cmsghdr_SIZE + Linux.SCM_MAX_FD * Integer.BYTES);

    private static final int CREDENTIAL_BYTES = aligned(Linux.cmsghdr_SIZE + Linux.ucred_SIZE);

    private final Memory memory = new Memory(CONTROL + CONTROL_BYTES);
    private final Pointer control = memory.share(CONTROL);

    MessageHeader() {
        memory.clear();
        memory.setPointer(Linux.msghdr_msg_iov, memory.share(IOVEC));
        memory.setLong(Linux.msghdr_msg_iovlen, 1);
        memory.setPointer(Linux.msghdr_msg_control, control);
    }

    /** To fill a buffer from 0 to its capacity, and take what descriptors come. */
    Pointer receiving(ByteBuffer direct) {
        memory.setPointer(IOVEC + Linux.iovec_iov_base, Native.getDirectBufferPointer(direct));
        memory.setLong(IOVEC + Linux.iovec_iov_len, direct.capacity());
        memory.setLong(Linux.msghdr_msg_controllen, CONTROL_BYTES);
        return memory;
    }

    /** To take no bytes and no descriptors, but the sender's credentials: SO_PASSCRED, unix(7). */
    Pointer receivingCredentials() {
        memory.setPointer(IOVEC + Linux.iovec_iov_base, null);
        memory.setLong(IOVEC + Linux.iovec_iov_len, 0);
        memory.setLong(Linux.msghdr_msg_controllen, CREDENTIAL_BYTES);
        return memory;
    }

    /** Whether any control message came. */
    boolean hasControl() {
        return memory.getLong(Linux.msghdr_msg_controllen) > 0;
    }

    /** Whether there was no room for a control message. */
    boolean lacksControl() {
        return (memory.getInt(Linux.msghdr_msg_flags) & Linux.MSG_CTRUNC) != 0;
    }

    /** To send what remains in a buffer, with descriptors beside it. */
    Pointer sending(ByteBuffer direct, List<Fd> descriptors) {
        Pointer start = Native.getDirectBufferPointer(direct).share(direct.position());
        memory.setPointer(IOVEC + Linux.iovec_iov_base, start);
        memory.setLong(IOVEC + Linux.iovec_iov_len, direct.remaining());
        if (descriptors.isEmpty()) {
            memory.setPointer(Linux.msghdr_msg_control, null);
            memory.setLong(Linux.msghdr_msg_controllen, 0);
            return memory;
        }
        int length = Linux.cmsghdr_SIZE + descriptors.size() * Integer.BYTES;
        memory.setPointer(Linux.msghdr_msg_control, control);
        memory.setLong(Linux.msghdr_msg_controllen, aligned(length));
        control.setLong(Linux.cmsghdr_cmsg_len, length);
        control.setInt(Linux.cmsghdr_cmsg_level, Linux.SOL_SOCKET);
        control.setInt(Linux.cmsghdr_cmsg_type, Linux.SCM_RIGHTS);
        for (int i = 0; i < descriptors.size(); i++) {
            control.setInt(
                    Linux.cmsghdr_SIZE + (long) i * Integer.BYTES, descriptors.get(i).number());
        }
        return memory;
    }

    /** Whether bytes or descriptors of the packet received are missing. */
    boolean isTruncated() {
        return (memory.getInt(Linux.msghdr_msg_flags) & (Linux.MSG_TRUNC | Linux.MSG_CTRUNC)) != 0;
    }

    /** Owns the descriptors of every control message received. */
    List<Fd> takeDescriptors(String what) {
        long end = memory.getLong(Linux.msghdr_msg_controllen);
        if (end < Linux.cmsghdr_SIZE) {
            return List.of();
        }
        List<Fd> owned = new ArrayList<>();
        long at = 0;
        while (at + Linux.cmsghdr_SIZE <= end) {
            long length = control.getLong(at + Linux.cmsghdr_cmsg_len);
            if (length < Linux.cmsghdr_SIZE || length > end - at) {
                break;
            }
            if (control.getInt(at + Linux.cmsghdr_cmsg_level) == Linux.SOL_SOCKET
                    && control.getInt(at + Linux.cmsghdr_cmsg_type) == Linux.SCM_RIGHTS) {
                long last = at + length - Integer.BYTES;
                for (long fd = at + Linux.cmsghdr_SIZE; fd <= last; fd += Integer.BYTES) {
                    owned.add(Fd.own(control.getInt(fd), what));
                }
            }
            at += aligned((int) length);
        }
        return owned;
    }

    /** CMSG_ALIGN of cmsg(3). */
    private static int aligned(int bytes) {
        return Math.ceilDiv(bytes, Long.BYTES) * Long.BYTES;
    }
}
