// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.seccomp;

import io.cloister.nativeio.seccomp.SeccompCompiler;
import io.cloister.nativeio.seccomp.SeccompFilter;
import io.cloister.nativeio.seccomp.SeccompPolicy;
import io.cloister.nativeio.seccomp.SeccompProfiles;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Function;

/**
 * The filters of a worker's profiles by the names in requests: {@code default}, {@code default/2},
 * {@code default:log}. Each is compiled once, when it is first asked for. For any thread.
 */
public final class Profiles implements Function<String, Optional<SeccompFilter>> {
    private static final String LOG = ":log";

    private final Map<String, SeccompPolicy> configured;
    private final Map<String, SeccompFilter> compiled = new ConcurrentHashMap<>();

    /**
     * The profiles that come with Cloister, and others.
     *
     * @param configured by name; one of Cloister's own names takes that profile's place
     */
    public Profiles(Map<String, SeccompPolicy> configured) {
        this.configured = Map.copyOf(configured);
    }

    /** Empty where there is no such profile. */
    @Override
    public Optional<SeccompFilter> apply(String name) {
        SeccompFilter known = compiled.get(name);
        if (known != null) {
            return Optional.of(known);
        }
        Optional<SeccompFilter> filter = compile(name);
        filter.ifPresent(one -> compiled.put(name, one));
        return filter;
    }

    private Optional<SeccompFilter> compile(String name) {
        boolean learning = name.endsWith(LOG);
        String profile = learning ? name.substring(0, name.length() - LOG.length()) : name;
        return Optional.ofNullable(configured.get(profile))
                .or(() -> SeccompProfiles.find(profile))
                .map(policy -> learning ? policy.learning() : policy.forRun())
                .map(SeccompCompiler::compile);
    }
}
