// SPDX-License-Identifier: Apache-2.0
package io.cloister.it.judge;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Function;
import java.util.stream.Stream;

/**
 * The files of a package. Links may lead to others of them, and nowhere else.
 *
 * @param root the package's directory without links in its path
 */
record PackageFiles(Path root) {
    private static final int MAX_FILES = 1000;
    private static final int MAX_DEPTH = 20;
    private static final long MAX_TEXT = 1 << 20;

    Path resolve(String path) {
        return root.resolve(path);
    }

    /** What is in a directory, without hidden files, in the order of a part of the names. */
    List<Path> list(Path directory, Function<String, String> part)
            throws IOException, BadPackageException {
        try (Stream<Path> entries = Files.list(inside(directory))) {
            return entries.filter(entry -> !name(entry).startsWith("."))
                    .sorted(
                            Comparator.<Path, String>comparing(entry -> part.apply(name(entry)))
                                    .thenComparing(PackageFiles::name))
                    .toList();
        }
    }

    List<Path> list(Path directory) throws IOException, BadPackageException {
        return list(directory, Function.identity());
    }

    static String name(Path file) {
        return String.valueOf(file.getFileName());
    }

    /** Refuses a file that is a link out of the package. */
    Path inside(Path file) throws IOException, BadPackageException {
        if (!file.toRealPath().startsWith(root)) {
            throw new BadPackageException(file, "a link that leads out of the package");
        }
        return file;
    }

    /** A path from one of the package's directories on, with slashes. */
    String relative(String directory, Path file) {
        return root.resolve(directory).relativize(file).toString();
    }

    /** The program that a file or a directory of files is. */
    SourceFiles program(Path path) throws IOException, BadPackageException {
        return Files.isDirectory(path)
                ? new SourceFiles(name(path), below(path))
                : new SourceFiles(name(path), Map.of(name(path), inside(path)));
    }

    /** All files below a directory by their paths from there. */
    Map<String, Path> below(Path directory) throws IOException, BadPackageException {
        Map<String, Path> files = new TreeMap<>();
        List<Path> directories = new ArrayList<>(List.of(directory));
        while (!directories.isEmpty()) {
            for (Path entry : list(directories.removeLast())) {
                if (Files.isDirectory(entry)) {
                    directories.add(entry);
                } else {
                    files.put(directory.relativize(entry).toString(), inside(entry));
                }
                if (files.size() > MAX_FILES
                        || directory.relativize(entry).getNameCount() > MAX_DEPTH) {
                    throw new BadPackageException(
                            directory,
                            "more than %d files, or more than %d levels of directories"
                                    .formatted(MAX_FILES, MAX_DEPTH));
                }
            }
        }
        if (files.isEmpty()) {
            throw new BadPackageException(directory, "an empty directory: put files into it");
        }
        return files;
    }

    /** The whole of a file that is short, whatever its encoding. */
    String text(Path file) throws IOException, BadPackageException {
        if (Files.size(inside(file)) > MAX_TEXT) {
            throw new BadPackageException(file, "longer than " + MAX_TEXT + " bytes");
        }
        return Files.readString(file, StandardCharsets.ISO_8859_1);
    }
}
