// SPDX-License-Identifier: Apache-2.0
package io.cloister.protocol.kryo;

import com.esotericsoftware.kryo.Kryo;
import com.esotericsoftware.kryo.KryoException;
import com.esotericsoftware.kryo.Registration;
import com.esotericsoftware.kryo.io.Input;
import com.esotericsoftware.kryo.util.DefaultClassResolver;
import java.util.List;

/** Kryo for one list of classes, which knows the version of the message in hand. */
final class VersionedKryo extends Kryo {
    /** Above the deepest value, a run's program's stream's content; Kryo counts one for itself. */
    private static final int MAX_DEPTH = 8;

    private int version;

    VersionedKryo(List<WireType<?>> types) {
        super(new IdsOnly(), null);
        setRegistrationRequired(true);
        setReferences(false);
        setMaxDepth(MAX_DEPTH);
        types.forEach(type -> type.register(this));
    }

    int version() {
        return version;
    }

    void version(int ofMessage) {
        version = ofMessage;
    }

    /** Refuses class names, which Kryo would look up before it refuses what it found. */
    private static final class IdsOnly extends DefaultClassResolver {
        @Override
        protected Registration readName(Input input) {
            throw new KryoException("a class is given by name, only ids are accepted");
        }
    }
}
