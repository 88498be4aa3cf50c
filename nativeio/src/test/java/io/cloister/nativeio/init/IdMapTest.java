// SPDX-License-Identifier: Apache-2.0
package io.cloister.nativeio.init;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class IdMapTest {

    @Test
    void shouldMapARangeOrASingleId() {
        assertThat(IdMap.range(65536)).isEqualTo(new IdMap(65536, 65536, 65536));
        assertThat(IdMap.range(100_000).isSingle()).isFalse();
        assertThat(IdMap.single(0, 5)).isEqualTo(new IdMap(0, 5, 1));
        assertThat(IdMap.single(1000, 1000).isSingle()).isTrue();
    }

    /** Ids below 65536 are the host's own people and services. */
    @ParameterizedTest
    @CsvSource({
        "0,0,65536",
        "65535,65536,65536",
        "65536,65535,65536",
        "1000,1000,2", // the host's own
        "-1,65536,1",
        "65536,-1,1",
        "65536,65536,0",
        "65536,65536,-1",
        "65536,65536,65537"
    })
    void shouldRefuseTheHostsOwnIdsAndImpossibleSizes(int uid, int gid, int size) {
        assertThatThrownBy(() -> new IdMap(uid, gid, size))
                .isInstanceOf(IllegalArgumentException.class);
    }
}
