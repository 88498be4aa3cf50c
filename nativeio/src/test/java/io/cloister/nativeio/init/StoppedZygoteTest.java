// SPDX-License-Identifier: Apache-2.0
package io.cloister.nativeio.init;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.cloister.nativeio.libc.LibC;
import io.cloister.nativeio.libc.Linux;
import java.io.IOException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

class StoppedZygoteTest {

    @Test
    @Timeout(60)
    void shouldGiveUpOnAZygoteThatDoesNotAnswer() throws IOException {
        try (Zygote zygote = Zygote.start()) {
            LibC.kill(zygote.pid(), Linux.SIGSTOP);

            assertThatThrownBy(() -> zygote.fork(IdMap.single(LibC.geteuid(), LibC.getegid())))
                    .isInstanceOf(IOException.class)
                    .hasMessageContaining("no answer in time");
            assertThat(zygote.isAlive()).isFalse();
        }
    }
}
