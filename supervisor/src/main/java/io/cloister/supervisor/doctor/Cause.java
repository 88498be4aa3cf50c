// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.doctor;

/** Why something does not work, and what to do about it. */
record Cause(String detail, String remedy) {}
