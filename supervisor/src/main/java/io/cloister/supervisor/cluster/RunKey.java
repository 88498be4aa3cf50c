// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.cluster;

import io.cloister.protocol.check.Check;
import io.cloister.protocol.run.Run;

/**
 * What a run is known by in the cluster. One that is submitted again under the same key, with the
 * same contents, is the same run: it is carried out once.
 *
 * @param tenant on whose behalf, 1 to 128 bytes: those have equal shares of the workers
 * @param id the run's
 */
public record RunKey(String tenant, String id) implements Comparable<RunKey> {
    public static final int MAX_TENANT_BYTES = 128;

    public RunKey {
        Check.filledText("tenant", tenant, MAX_TENANT_BYTES);
        Check.filledText("run id", id, Run.MAX_ID_BYTES);
    }

    @Override
    public int compareTo(RunKey other) {
        int byTenant = tenant.compareTo(other.tenant);
        return byTenant != 0 ? byTenant : id.compareTo(other.id);
    }

    @Override
    public String toString() {
        return tenant + "/" + id;
    }
}
