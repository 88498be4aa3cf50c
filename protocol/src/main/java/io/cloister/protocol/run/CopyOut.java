// SPDX-License-Identifier: Apache-2.0
package io.cloister.protocol.run;

import io.cloister.protocol.check.Check;
import io.cloister.protocol.unit.ByteSize;

/**
 * A regular file that is taken out of the container after its program has ended.
 *
 * @param path absolute, or relative to the container's work directory; no symbolic link on its way
 *     is followed
 * @param optional that it is missing is no error
 * @param max its longest length in bytes: at most {@link Content#MAX_INLINE}, since it comes with
 *     the result, or {@link Stream#MAX_COLLECTED} if it goes into the store; a longer one is {@link
 *     Status#FILE_ERROR}
 * @param store put it into the worker's file store and answer with its id instead of its bytes
 */
public record CopyOut(String path, boolean optional, ByteSize max, boolean store) {
    public static final ByteSize DEFAULT_MAX = Content.MAX_INLINE;

    public CopyOut {
        Check.pathInside("path", path);
        ByteSize most = store ? Stream.MAX_COLLECTED : Content.MAX_INLINE;
        Check.range("largest file", max.bytes(), 0, most.bytes());
    }

    /** One that must be there, of at most 16 MiB. */
    public static CopyOut required(String path) {
        return new CopyOut(path, false, DEFAULT_MAX, false);
    }

    /** One that may be missing, of at most 16 MiB. */
    public static CopyOut optional(String path) {
        return new CopyOut(path, true, DEFAULT_MAX, false);
    }
}
