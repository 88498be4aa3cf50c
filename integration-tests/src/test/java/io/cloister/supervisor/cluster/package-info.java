// SPDX-License-Identifier: Apache-2.0

/** What tests of whole nodes need of the inside of this package. */
package io.cloister.supervisor.cluster;
