// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.handler;

import io.cloister.nativeio.fd.Fd;
import io.cloister.protocol.message.Executable;
import io.cloister.protocol.message.Execve;
import io.cloister.protocol.message.Failure;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;

/**
 * The descriptors that come with a run, by role. Whoever receives them owns them.
 *
 * @param files by their number in the program: 0 is its standard input
 * @param executable what to execute, when the request says that it comes as a descriptor
 */
public record ExecveDescriptors(Map<Integer, Fd> files, Optional<Fd> executable)
        implements AutoCloseable {
    private static final ExecveDescriptors NONE = new ExecveDescriptors(Map.of(), Optional.empty());

    public ExecveDescriptors {
        files = Map.copyOf(files);
    }

    public static ExecveDescriptors none() {
        return NONE;
    }

    public static ExecveDescriptors of(Map<Integer, Fd> files) {
        return new ExecveDescriptors(files, Optional.empty());
    }

    /** Whether they are those that the request announces, and open. */
    public Optional<Failure> check(Execve request) {
        if (files.size() != request.descriptors().size() // which names none twice
                || !files.keySet().containsAll(request.descriptors())) {
            return bad(
                    "the request names descriptors %s, with it came %s"
                            .formatted(
                                    request.descriptors(),
                                    files.keySet().stream().sorted().toList()));
        }
        boolean wanted = request.executable() instanceof Executable.OfDescriptor;
        if (wanted != executable.isPresent()) {
            return bad(
                    wanted
                            ? "the executable's descriptor is missing"
                            : "an executable's descriptor came with a request that names a path");
        }
        for (Fd fd : all()) {
            if (!fd.isOpen()) {
                return bad("descriptor is closed: " + fd.what());
            }
        }
        return Optional.empty();
    }

    private static Optional<Failure> bad(String message) {
        return Optional.of(Failure.of(Failure.Kind.BAD_DESCRIPTOR, message));
    }

    /**
     * In the order in which they travel: as the request names them, then the executable.
     *
     * @param request that they were {@link #check checked} against
     */
    public List<Fd> inOrder(Execve request) {
        List<Fd> all = new ArrayList<>();
        request.descriptors().forEach(number -> all.add(Objects.requireNonNull(files.get(number))));
        executable.ifPresent(all::add);
        return all;
    }

    /**
     * The reverse of {@link #inOrder}.
     *
     * @param descriptors as many as the request names, and one more if the executable is one
     */
    public static ExecveDescriptors of(Execve request, List<Fd> descriptors) {
        Map<Integer, Fd> files = new HashMap<>();
        int named = request.descriptors().size();
        for (int i = 0; i < named; i++) {
            files.put(request.descriptors().get(i), descriptors.get(i));
        }
        return new ExecveDescriptors(
                files,
                descriptors.size() > named
                        ? Optional.of(descriptors.get(named))
                        : Optional.empty());
    }

    private List<Fd> all() {
        List<Fd> all = new ArrayList<>(files.values());
        executable.ifPresent(all::add);
        return all;
    }

    @Override
    public void close() {
        all().forEach(Fd::close);
    }
}
