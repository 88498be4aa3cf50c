// SPDX-License-Identifier: Apache-2.0
package io.cloister.protocol.service;

import io.cloister.protocol.check.Check;
import io.cloister.protocol.message.Configured;
import io.cloister.protocol.message.Failure;
import io.cloister.protocol.message.Open;
import io.cloister.protocol.message.Reply;
import io.cloister.protocol.message.Standstill;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;

/** What the service says. */
public sealed interface ServiceFrame extends Frame {
    /**
     * The container is there, for this connection alone and as long as it lasts.
     *
     * @param version of all frames that follow, either way
     * @param init the number of the container's first process on the service's host, for messages
     * @param workDirectory of the container
     * @param calls how many calls may be unanswered; one more ends the connection
     */
    record Welcome(int version, int init, Configured configured, String workDirectory, int calls)
            implements ServiceFrame {
        private static final int MAX_VERSION = 255;
        private static final int MAX_CALLS = 1024;

        public Welcome {
            Check.range("version", version, 0, MAX_VERSION);
            Check.range("number of init", init, 1, Integer.MAX_VALUE);
            Objects.requireNonNull(configured, "configured");
            Check.absolutePath("work directory", workDirectory);
            Check.range("unanswered calls", calls, 1, MAX_CALLS);
        }
    }

    /** The connection ends after this frame, and why. */
    record Refused(Failure failure) implements ServiceFrame {
        public Refused {
            Objects.requireNonNull(failure, "failure");
        }
    }

    /**
     * An announced program stands before its first instruction; its pidfd comes beside the frame.
     *
     * @param serial of the call
     * @param pid its number on the service's host
     */
    record Announced(int serial, int pid) implements ServiceFrame {
        public Announced {
            Check.range("serial", serial, 1, Integer.MAX_VALUE);
            Check.range("number of a process", pid, 1, Integer.MAX_VALUE);
        }
    }

    /**
     * What became of a call that is not answered by {@link OpenedFiles}.
     *
     * @param serial of the call
     */
    record Answer(int serial, Reply reply) implements ServiceFrame {
        public Answer {
            Check.range("serial", serial, 1, Integer.MAX_VALUE);
            Objects.requireNonNull(reply, "reply");
        }
    }

    /**
     * All files of a call of {@link Open} were tried.
     *
     * @param serial of the call
     * @param paths as the request had them, of those whose descriptors come beside the frame, in
     *     the same order
     * @param errors by path, of the others
     */
    record OpenedFiles(int serial, List<String> paths, Map<String, Failure> errors)
            implements ServiceFrame {
        public OpenedFiles {
            Check.range("serial", serial, 1, Integer.MAX_VALUE);
            paths = List.copyOf(new ArrayList<>(paths));
            Check.range("opened files", paths.size(), 0, MAX_DESCRIPTORS);
            paths.forEach(path -> Check.filledText("path", path, Check.MAX_PATH_BYTES));
            Map<String, Failure> copy = new LinkedHashMap<>(errors);
            Check.range("files that were not opened", copy.size(), 0, Open.MAX_FILES);
            copy.keySet().forEach(path -> Check.filledText("path", path, Check.MAX_PATH_BYTES));
            errors = Collections.unmodifiableMap(copy);
        }
    }

    /**
     * How the container's programs were found.
     *
     * @param serial of the look
     * @param standstill empty where one of them runs, where none does, and where it is not known
     */
    record Looked(int serial, Optional<Standstill> standstill) implements ServiceFrame {
        public Looked {
            Check.range("serial", serial, 1, Integer.MAX_VALUE);
            Objects.requireNonNull(standstill, "standstill");
        }
    }
}
