// SPDX-License-Identifier: Apache-2.0
@NullMarked
package io.cloister.supervisor.cluster;

import org.jspecify.annotations.NullMarked;
