// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.service;

import io.cloister.supervisor.CloisterSettings;

/**
 * A kind of containers that the operator offers.
 *
 * @param name that clients choose it by
 * @param settings of its containers
 * @param policy what clients may ask of them
 */
public record Profile(String name, CloisterSettings settings, Policy policy) {}
