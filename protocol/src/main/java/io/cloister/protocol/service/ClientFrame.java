// SPDX-License-Identifier: Apache-2.0
package io.cloister.protocol.service;

import io.cloister.protocol.check.Check;
import io.cloister.protocol.message.Conf;
import io.cloister.protocol.message.Request;
import java.util.Objects;
import java.util.regex.Pattern;

/** What a client says. */
public sealed interface ClientFrame extends Frame {
    /**
     * Says what the client knows, and asks for a container; the first frame. It is answered by
     * {@link ServiceFrame.Welcome} when there is one, or by {@link ServiceFrame.Refused}.
     *
     * @param oldest version of the format that the client reads
     * @param newest version of the format that the client writes
     * @param profile the kind of container, one of those that the service's operator has named: a
     *     lower-case letter and up to 63 letters, digits and hyphens
     */
    record Hello(int oldest, int newest, String profile) implements ClientFrame {
        private static final int MAX_VERSION = 255;
        private static final Pattern NAME = Pattern.compile("[a-z][a-z0-9-]{0,63}");

        public Hello {
            Check.range("oldest version", oldest, 0, MAX_VERSION);
            Check.range("newest version", newest, oldest, MAX_VERSION);
            Check.filledText("name of a profile", profile, 64);
            Check.that(
                    NAME.matcher(profile).matches(),
                    () ->
                            "name of a profile %s: use a lower-case letter and up to 63 letters, digits and"
                                            .formatted(Check.quoted(profile))
                                    + " hyphens");
        }
    }

    /**
     * Sends the container a command. Descriptors come beside it with {@link
     * io.cloister.protocol.message.Execve} only: those that the program gets, in the order in which
     * the request names them, and the executable after them if it is to come as one.
     *
     * @param serial comes back with the answer; the client chooses it, above that of the call
     *     before
     * @param request any but {@link Conf}: how containers are made is the operator's to say
     */
    record Call(int serial, Request request) implements ClientFrame {
        public Call {
            Check.range("serial", serial, 1, Integer.MAX_VALUE);
            Objects.requireNonNull(request, "request");
            Check.that(
                    !(request instanceof Conf),
                    "a container of the service is configured already: name a profile instead");
        }
    }

    /**
     * Gives an announced program leave to start.
     *
     * @param serial of the call
     */
    record Proceed(int serial) implements ClientFrame {
        public Proceed {
            Check.range("serial", serial, 1, Integer.MAX_VALUE);
        }
    }

    /**
     * Kills the program of a call, or refuses it if it was announced or waits behind other
     * commands; nothing if it is over.
     *
     * @param serial of the call
     */
    record Kill(int serial) implements ClientFrame {
        public Kill {
            Check.range("serial", serial, 1, Integer.MAX_VALUE);
        }
    }

    /**
     * Asks whether the container's programs wait for each other. It is answered by {@link
     * ServiceFrame.Looked}, beside the calls and not at once: looks cost the service time.
     *
     * @param serial as of a {@link Call}
     */
    record Look(int serial) implements ClientFrame {
        public Look {
            Check.range("serial", serial, 1, Integer.MAX_VALUE);
        }
    }
}
