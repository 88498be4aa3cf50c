// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor;

import io.cloister.protocol.container.ContainerConfig;
import io.cloister.protocol.container.Mount;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/**
 * The standard container with this host's compilers and interpreters, all read-only: {@code /usr},
 * what belongs beside it on this distribution, and those files of {@code /etc} that toolchains
 * need. Nothing of {@code /etc} that tells of users, hosts or keys is among them.
 */
public final class HostMounts {
    /** Directories of the root that are links into /usr where /usr is merged. */
    private static final List<String> ROOT_DIRECTORIES =
            List.of("/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32");

    /** What compilers and interpreters of common distributions read. */
    private static final List<String> ETC =
            List.of(
                    "/etc/alternatives",
                    "/etc/ld.so.cache",
                    "/etc/ld.so.conf",
                    "/etc/ld.so.conf.d");

    /** Configuration directories of installed JDKs: java-17-openjdk and so on. */
    private static final String ETC_JAVA = "java-*";

    private HostMounts() {}

    /** {@link ContainerConfig#standard()} with this host's programs. */
    public static ContainerConfig standardConfig() {
        ContainerConfig.Builder config = ContainerConfig.standard().toBuilder();
        config.mount(Mount.Bind.readOnly("/usr"));
        for (String directory : ROOT_DIRECTORIES) {
            addRootDirectory(config, Path.of(directory));
        }
        for (String path : ETC) {
            if (Files.exists(Path.of(path))) {
                config.mount(Mount.Bind.readOnly(path).asOptional());
            }
        }
        addMatches(config, Path.of("/etc"));
        return config.build();
    }

    private static void addRootDirectory(ContainerConfig.Builder config, Path directory) {
        try {
            if (Files.isSymbolicLink(directory)) {
                String target = Files.readSymbolicLink(directory).toString();
                config.symbolicLink(directory.toString(), target);
            } else if (Files.isDirectory(directory)) {
                config.mount(Mount.Bind.readOnly(directory.toString()));
            }
        } catch (IOException e) {
            throw new UncheckedIOException("cannot read the link " + directory, e);
        }
    }

    private static void addMatches(ContainerConfig.Builder config, Path directory) {
        try (DirectoryStream<Path> found = Files.newDirectoryStream(directory, ETC_JAVA)) {
            for (Path path : found) {
                config.mount(Mount.Bind.readOnly(path.toString()).asOptional());
            }
        } catch (IOException e) {
            throw new UncheckedIOException("cannot list " + directory, e);
        }
    }
}
