// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.service;

import static org.assertj.core.api.Assertions.assertThat;

import io.cloister.protocol.message.Failure;
import io.cloister.protocol.unit.ByteSize;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class PeerTest {
    private static final long MIB = ByteSize.ofMiB(1).bytes();

    private final Peer peer = new Peer(7, new Quota(2, Optional.of(ByteSize.ofMiB(4)), 10, 3));

    private static void assertOver(Optional<Failure> refused, String... parts) {
        assertThat(refused).isPresent();
        assertThat(refused.get().kind()).isEqualTo(Failure.Kind.UNAVAILABLE);
        assertThat(refused.get().message()).startsWith("user 7 has ").contains(parts);
    }

    @Test
    void shouldHaveAsManyContainersAsAreAllowed() {
        assertThat(peer.isIdle()).isTrue();
        assertThat(peer.takeContainer()).isEmpty();
        assertThat(peer.takeContainer()).isEmpty();
        assertOver(peer.takeContainer(), "2 containers", "at most 2");
        peer.returnContainer();
        assertThat(peer.takeContainer()).isEmpty();
        peer.returnContainer();
        assertThat(peer.isIdle()).isFalse();
        peer.returnContainer();
        assertThat(peer.isIdle()).isTrue();
    }

    @Test
    void shouldRunProgramsWithAsMuchMemoryAsIsAllowedInAll() {
        assertThat(peer.takeMemory(3 * MIB)).isEmpty();
        assertOver(peer.takeMemory(MIB + 1), "3MiB", "4MiB");
        assertThat(peer.takeMemory(MIB)).isEmpty();
        assertOver(peer.takeMemory(1), "4MiB in all");
        peer.returnMemory(3 * MIB);
        assertThat(peer.takeMemory(3 * MIB)).isEmpty();
        assertOver(peer.takeMemory(Long.MAX_VALUE), "4MiB in all");
    }

    @Test
    void shouldRunWhatItLikesWithoutAQuotaOfMemory() {
        Peer free = new Peer(7, new Quota(2, Optional.empty(), 10, 3));
        assertThat(free.takeMemory(1L << 50)).isEmpty();
        assertThat(free.takeMemory(1L << 50)).isEmpty();
    }

    @Test
    void shouldHaveAsManyDescriptorsWithTheServiceAsAreAllowed() {
        assertThat(peer.takeDescriptors(10)).isEmpty();
        assertOver(peer.takeDescriptors(1), "10 descriptors", "these 1", "the 10");
        assertThat(peer.takeDescriptors(0)).isEmpty();
        peer.returnDescriptors(4);
        assertOver(peer.takeDescriptors(5), "these 5");
        assertThat(peer.takeDescriptors(4)).isEmpty();
    }
}
