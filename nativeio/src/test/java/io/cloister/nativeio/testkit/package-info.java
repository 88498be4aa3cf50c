// SPDX-License-Identifier: Apache-2.0
/**
 * What several tests of this module share: other processes with a deadline, JVMs of an ordinary
 * user, the descriptors that are open. It knows nothing of what is tested.
 */
@NullMarked
package io.cloister.nativeio.testkit;

import org.jspecify.annotations.NullMarked;
