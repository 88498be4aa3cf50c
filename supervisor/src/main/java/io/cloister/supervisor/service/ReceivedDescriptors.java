// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.service;

import io.cloister.nativeio.fd.DescriptorKind;
import io.cloister.nativeio.fd.DescriptorTraits;
import io.cloister.nativeio.fd.Fd;
import io.cloister.protocol.message.Failure;
import io.cloister.supervisor.handler.ExecveDescriptors;
import java.io.IOException;
import java.util.EnumSet;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * Whether the descriptors that a client gives to a program may be given to it: files, pipes and
 * terminals, opened for what they are to be used for. A directory would lead the program out of its
 * container, a socket would let it be handed more.
 */
final class ReceivedDescriptors {
    private static final Set<DescriptorKind> FIT =
            EnumSet.of(
                    DescriptorKind.MEMORY_FILE,
                    DescriptorKind.REGULAR_FILE,
                    DescriptorKind.PIPE,
                    DescriptorKind.TERMINAL,
                    DescriptorKind.NULL_DEVICE);

    private static final Set<DescriptorKind> EXECUTABLE =
            EnumSet.of(DescriptorKind.MEMORY_FILE, DescriptorKind.REGULAR_FILE);

    private ReceivedDescriptors() {}

    /** What is wrong with one of them. */
    static Optional<Failure> check(ExecveDescriptors descriptors) {
        try {
            for (Map.Entry<Integer, Fd> each : descriptors.files().entrySet()) {
                Optional<String> unfit = unfit(each.getKey(), DescriptorTraits.of(each.getValue()));
                if (unfit.isPresent()) {
                    return bad("descriptor " + each.getKey() + unfit.get());
                }
            }
            if (descriptors.executable().isPresent()) {
                DescriptorTraits traits = DescriptorTraits.of(descriptors.executable().get());
                if (!EXECUTABLE.contains(traits.kind()) || !traits.isReadable()) {
                    return bad(
                            "the executable is no regular file of memory or a local disk, or was not"
                                    + " opened for reading");
                }
            }
            return Optional.empty();
        } catch (IOException e) {
            return bad("it cannot be told what they are: " + e.getMessage());
        }
    }

    private static Optional<String> unfit(int number, DescriptorTraits traits) {
        if (!FIT.contains(traits.kind())) {
            return Optional.of(
                    " is of the kind %s: programs get files of memory or a local disk, pipes,"
                                    .formatted(traits.kind())
                            + " terminals, and devices like /dev/null");
        }
        if (number == 0 && !traits.isReadable()) {
            return Optional.of(", the standard input, was not opened for reading");
        }
        if ((number == 1 || number == 2) && !traits.isWritable()) {
            return Optional.of(", a standard output, was not opened for writing");
        }
        return Optional.empty();
    }

    private static Optional<Failure> bad(String message) {
        return Optional.of(Failure.of(Failure.Kind.BAD_DESCRIPTOR, message));
    }
}
