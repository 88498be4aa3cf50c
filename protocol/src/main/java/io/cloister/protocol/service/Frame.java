// SPDX-License-Identifier: Apache-2.0
package io.cloister.protocol.service;

/** One packet on the service's socket; descriptors travel beside it. */
public sealed interface Frame permits ClientFrame, ServiceFrame {
    /** Longest frame in bytes: what a socket takes whose buffers have the kernel's usual size. */
    int MAX_BYTES = 192 * 1024;

    /** Most descriptors beside a frame: SCM_MAX_FD of the kernel, unix(7). */
    int MAX_DESCRIPTORS = 253;
}
