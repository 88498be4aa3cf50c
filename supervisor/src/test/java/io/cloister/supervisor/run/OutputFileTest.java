// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.run;

import static org.assertj.core.api.Assertions.assertThat;

import io.cloister.nativeio.fd.Fd;
import io.cloister.protocol.unit.ByteSize;
import java.io.IOException;
import org.junit.jupiter.api.Test;

class OutputFileTest {
    private static final ByteSize ALLOWED = ByteSize.ofBytes(4);

    @Test
    void shouldTellOutputOfTheAllowedLengthFromLongerOutput() throws IOException {
        try (OutputFile file = OutputFile.create("output", ALLOWED);
                Fd program = file.forProgram()) {
            program.write(new byte[4]);
            assertThat(file.isExceeded()).isFalse();
            program.write(new byte[1]);
            assertThat(file.isExceeded()).isTrue();
        }
    }

    @Test
    void shouldReadNoMoreThanAllowedOrAskedFor() throws IOException {
        try (OutputFile file = OutputFile.create("output", ALLOWED);
                Fd program = file.forProgram()) {
            program.write(new byte[] {1, 2, 3, 4, 5, 6});
            assertThat(file.read(ByteSize.ofMiB(1))).containsExactly(1, 2, 3, 4);
            assertThat(file.read(ByteSize.ofBytes(2))).containsExactly(1, 2);
        }
    }

    @Test
    void shouldLeaveRoomForOneByteMoreThanAllowed() {
        assertThat(OutputFile.fileSize(ALLOWED)).isEqualTo(ByteSize.ofBytes(5));
    }
}
