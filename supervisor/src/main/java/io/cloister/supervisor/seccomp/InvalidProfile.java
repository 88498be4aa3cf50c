// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.seccomp;

import java.io.IOException;

/** A file is no seccomp profile that can be enforced. The message says which, where and why. */
public final class InvalidProfile extends IOException {
    private static final long serialVersionUID = 1;

    InvalidProfile(String message, Throwable cause) {
        super(message, cause);
    }
}
