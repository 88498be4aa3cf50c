// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.cli;

import java.util.Optional;
import picocli.CommandLine.IVersionProvider;

/** The version of this build, for {@code --version}. */
public final class Version implements IVersionProvider {
    @Override
    public String[] getVersion() {
        String version = Version.class.getPackage().getImplementationVersion();
        return new String[] {"cloister " + Optional.ofNullable(version).orElse("(unpackaged)")};
    }
}
