// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.handler;

import io.cloister.nativeio.init.IdMap;
import io.cloister.protocol.container.ContainerConfig;
import io.cloister.protocol.container.Mount;
import java.util.List;

/**
 * What handlers must know of a configured container.
 *
 * @param config as it was applied: with the ids that the container has
 * @param ids which ids of the host its ids are
 * @param defaultEnvironment of programs that bring none
 */
public record ContainerContext(ContainerConfig config, IdMap ids, List<String> defaultEnvironment) {

    public ContainerContext {
        defaultEnvironment = List.copyOf(defaultEnvironment);
    }

    /** The configuration with the ids that a container with these ids has. */
    static ContainerConfig effective(ContainerConfig config, IdMap ids) {
        if (!ids.isSingle()) {
            return config;
        }
        List<Mount> mounts = config.mounts().stream().map(ContainerContext::ownedByRoot).toList();
        return new ContainerConfig(
                mounts,
                config.symbolicLinks(),
                config.maskPaths(),
                config.hostName(),
                config.domainName(),
                config.workDirectory(),
                config.initCommand(),
                config.defaultEnvironment(),
                config.programCredential(),
                config.rootSize());
    }

    /** With a single id everything is container root's, programs included. */
    private static Mount ownedByRoot(Mount mount) {
        return mount instanceof Mount.Tmpfs t
                ? new Mount.Tmpfs(t.target(), t.size(), t.inodes(), t.mode(), 0, 0, t.noexec())
                : mount;
    }
}
