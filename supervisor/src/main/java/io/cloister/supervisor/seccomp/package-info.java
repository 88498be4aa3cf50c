// SPDX-License-Identifier: Apache-2.0

/**
 * The seccomp profiles of a worker: those that come with Cloister and those of its configuration,
 * which are OCI files. Must not know containers, actors or how filters are installed.
 */
@NullMarked
package io.cloister.supervisor.seccomp;

import org.jspecify.annotations.NullMarked;
