// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.json;

import io.cloister.protocol.run.Run;
import java.util.Optional;

/** A document that is no request. */
public final class BadRequestException extends Exception {
    private static final long serialVersionUID = 1L;

    private final String place;

    @SuppressWarnings("serial") // never serialised
    private final Optional<String> id;

    BadRequestException(String place, String message) {
        this(place, message, Optional.empty());
    }

    private BadRequestException(String place, String message, Optional<String> id) {
        super(message);
        this.place = place;
        this.id = id;
    }

    /** What is wrong with a request that is good in itself. */
    public static BadRequestException of(Run run, String reason) {
        return new BadRequestException("", reason, Optional.of(run.id()));
    }

    /** A document that was not read since it is too long. */
    public static BadRequestException tooLong() {
        return new BadRequestException(
                "",
                "the line is longer than %s: put content into files or the file store"
                        .formatted(RunFormat.MAX_DOCUMENT));
    }

    /** The same of the request with this id. */
    BadRequestException of(Optional<String> request) {
        return new BadRequestException(place, reason(), request);
    }

    /**
     * Where in the document, for example {@code programs[0].limits.memory}; empty for all of it.
     */
    public String place() {
        return place;
    }

    /** What is wrong and what to do. */
    public String reason() {
        return String.valueOf(getMessage());
    }

    /** The request's own id, if that could be read. */
    public Optional<String> id() {
        return id;
    }
}
