// SPDX-License-Identifier: Apache-2.0
package io.cloister.nativeio.testkit;

import java.io.File;
import java.io.IOException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * JVMs that run a test's main class: as this user, or, when this user is root, as an ordinary one,
 * who needs no entry in any file of accounts.
 */
public final class TestJvm {
    /** An id that nobody has; setpriv(1) takes it as a number. */
    public static final int ORDINARY_ID = 61234;

    private final Path java;
    private final List<String> prefix;
    private final String classPath;
    private final Path home;

    private TestJvm(List<String> prefix, String classPath, Path home) {
        this.java = Path.of(System.getProperty("java.home"), "bin", "java");
        this.prefix = prefix;
        this.classPath = classPath;
        this.home = home;
    }

    /** Why {@link #ofOrdinaryUser} cannot work here, if it cannot. */
    public static Optional<String> whyNotOrdinary() throws IOException {
        if (!isRoot()) {
            return Optional.empty();
        }
        if (!Command.isInstalled("setpriv")) {
            return Optional.of("no setpriv(1) to become an ordinary user with");
        }
        Path java = Path.of(System.getProperty("java.home"), "bin", "java").toRealPath();
        for (Path at = java; at != null; at = at.getParent()) {
            String mode = PosixFilePermissions.toString(Files.getPosixFilePermissions(at));
            if (mode.charAt(8) != 'x') {
                return Optional.of("an ordinary user may not execute " + java);
            }
        }
        return Optional.empty();
    }

    /**
     * A JVM of a user that is not root: this one, or {@link #ORDINARY_ID}.
     *
     * @param directory empty; for a copy of the class path that everybody can read, and as the home
     *     and temporary directory of that user
     */
    public static TestJvm ofOrdinaryUser(Path directory) throws IOException {
        if (!isRoot()) {
            return new TestJvm(List.of(), ownClassPath(), directory);
        }
        open(directory, "rwxr-xr-x");
        List<String> copied = new ArrayList<>();
        for (String entry : ownClassPath().split(File.pathSeparator, -1)) {
            Path from = Path.of(entry);
            if (Files.exists(from)) {
                Path to = directory.resolve("lib" + copied.size()).resolve(from.getFileName());
                copy(from, to);
                copied.add(to.toString());
            }
        }
        Path home = Files.createDirectory(directory.resolve("home"));
        open(home, "rwxrwxrwx");
        String id = Integer.toString(ORDINARY_ID);
        List<String> setpriv =
                List.of("setpriv", "--reuid=" + id, "--regid=" + id, "--clear-groups", "--");
        return new TestJvm(setpriv, String.join(File.pathSeparator, copied), home);
    }

    /** The command that runs a main class in it. */
    public List<String> command(Class<?> main, String... arguments) {
        List<String> command = new ArrayList<>(prefix);
        command.add(java.toString());
        command.addAll(
                List.of(
                        "-XX:+IgnoreUnrecognizedVMOptions",
                        "--sun-misc-unsafe-memory-access=allow",
                        "--enable-native-access=ALL-UNNAMED",
                        "-Xmx128m",
                        "-Xshare:auto",
                        "-XX:TieredStopAtLevel=1",
                        "-Djava.io.tmpdir=" + home,
                        "-Duser.home=" + home,
                        "-cp",
                        classPath,
                        main.getName()));
        command.addAll(List.of(arguments));
        return command;
    }

    public Path home() {
        return home;
    }

    private static boolean isRoot() throws IOException {
        return (int) Files.getAttribute(Path.of("/proc/self"), "unix:uid") == 0;
    }

    /** The test runner may hide the real class path in the manifest of a jar of its own. */
    private static String ownClassPath() {
        return System.getProperty(
                "surefire.test.class.path", System.getProperty("java.class.path"));
    }

    private static void copy(Path from, Path to) throws IOException {
        Files.createDirectories(to.getParent());
        open(to.getParent(), "rwxr-xr-x");
        Files.walkFileTree(
                from,
                new SimpleFileVisitor<>() {
                    @Override
                    public FileVisitResult preVisitDirectory(Path at, BasicFileAttributes ignored)
                            throws IOException {
                        Path copy = to.resolve(from.relativize(at).toString());
                        Files.createDirectories(copy);
                        open(copy, "rwxr-xr-x");
                        return FileVisitResult.CONTINUE;
                    }

                    @Override
                    public FileVisitResult visitFile(Path at, BasicFileAttributes ignored)
                            throws IOException {
                        Path copy = at.equals(from) ? to : to.resolve(from.relativize(at));
                        Files.copy(at, copy, LinkOption.NOFOLLOW_LINKS);
                        open(copy, "rwxr-xr-x");
                        return FileVisitResult.CONTINUE;
                    }
                });
    }

    private static void open(Path path, String mode) throws IOException {
        Files.setPosixFilePermissions(path, PosixFilePermissions.fromString(mode));
    }
}
