// SPDX-License-Identifier: Apache-2.0
@NullMarked
package io.cloister.it.judge;

import org.jspecify.annotations.NullMarked;
