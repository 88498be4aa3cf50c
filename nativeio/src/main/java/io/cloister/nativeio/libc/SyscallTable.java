// SPDX-License-Identifier: Apache-2.0
package io.cloister.nativeio.libc;

import java.util.EnumMap;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.stream.Collectors;

/** The names and numbers of one architecture's system calls, as the build's headers had them. */
public final class SyscallTable {
    private static final Map<Architecture, SyscallTable> TABLES = new EnumMap<>(Architecture.class);

    private final Map<String, Integer> numbers;
    private final Map<Integer, String> names;

    private SyscallTable(Architecture architecture) {
        numbers =
                HeaderResource.read("syscalls-" + architecture.machine() + ".properties")
                        .entrySet()
                        .stream()
                        .collect(
                                Collectors.toUnmodifiableMap(
                                        Map.Entry::getKey, e -> e.getValue().intValue()));
        names =
                numbers.entrySet().stream()
                        .collect(
                                Collectors.toUnmodifiableMap(
                                        Map.Entry::getValue,
                                        Map.Entry::getKey,
                                        // aliases, such as fstatat and newfstatat: the shorter
                                        (a, b) -> a.length() <= b.length() ? a : b));
    }

    /**
     * The table of an architecture.
     *
     * @throws UnsupportedOperationException when the build had no headers for it
     */
    public static SyscallTable of(Architecture architecture) {
        synchronized (TABLES) {
            return TABLES.computeIfAbsent(architecture, SyscallTable::new);
        }
    }

    /** The number of a call such as {@code "openat2"}, or empty when the headers lack it. */
    public OptionalInt number(String name) {
        Integer number = numbers.get(name);
        return number == null ? OptionalInt.empty() : OptionalInt.of(number);
    }

    /** The call with this number, if the headers have one. */
    public Optional<String> name(int number) {
        return Optional.ofNullable(names.get(number));
    }

    public Set<String> names() {
        return numbers.keySet();
    }
}
