// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.cluster;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.typesafe.config.Config;
import com.typesafe.config.ConfigFactory;
import io.cloister.protocol.kryo.ProtocolKryo;
import io.cloister.protocol.run.Program;
import io.cloister.protocol.run.Run;
import io.cloister.protocol.unit.ByteSize;
import io.cloister.protocol.unit.Bytes;
import io.cloister.supervisor.io.FileStore;
import java.time.Duration;
import java.util.Collections;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class ParcelsTest {
    private final FileStore store =
            new FileStore(
                    new FileStore.Settings(
                            ByteSize.ofMiB(1), ByteSize.ofMiB(1), 10, Duration.ofHours(1)));

    @AfterEach
    void close() {
        store.close();
    }

    private static Config writes(int version) {
        return ConfigFactory.parseString("cloister.cluster.wire-version = " + version);
    }

    /** What others may not be able to read yet is in parcels as little as in messages. */
    @Test
    void shouldWriteTheVersionThatTheNodesAreToWrite() throws Exception {
        Run run = Run.of("1", Program.of("true").build());
        for (int version = ProtocolKryo.OLDEST_VERSION;
                version <= ProtocolKryo.VERSION;
                version++) {
            Parcels parcels = new Parcels(writes(version), store);
            Parcel parcel = parcels.pack(run);
            assertThat(parcel).isInstanceOf(Parcel.Inline.class);
            Bytes bytes = ((Parcel.Inline) parcel).bytes();
            assertThat(bytes.toArray()[0]).isEqualTo((byte) version);
            assertThat(parcels.unpack(parcel, Run.class)).isEqualTo(run);
        }
        assertThatThrownBy(() -> new Parcels(writes(ProtocolKryo.VERSION + 1), store))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("version " + (ProtocolKryo.VERSION + 1));
    }

    @Test
    void shouldStoreWhatIsTooLongForAMessage() throws Exception {
        Parcels parcels = new Parcels(ConfigFactory.load(), store);
        Run run = Run.of("1", Program.of(Collections.nCopies(10, "x".repeat(4000))).build());

        Parcel parcel = parcels.pack(run);

        assertThat(parcel).isInstanceOf(Parcel.Filed.class);
        assertThat(parcels.unpack(parcel, Run.class)).isEqualTo(run);
    }
}
