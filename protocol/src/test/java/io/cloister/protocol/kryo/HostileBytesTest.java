// SPDX-License-Identifier: Apache-2.0
package io.cloister.protocol.kryo;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.cloister.protocol.container.Credential;
import io.cloister.protocol.message.Delete;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** In place of the protocol's values. */
class HostileBytesTest extends HostileBytesCases {
    private final ProtocolKryo kryo = new ProtocolKryo();

    HostileBytesTest() {
        super(GoldenBytesTest.golden());
    }

    @Override
    protected Optional<?> read(byte[] bytes) {
        try {
            return Optional.of(kryo.read(bytes));
        } catch (ProtocolException refused) {
            assertRefusal(refused);
            return Optional.empty();
        }
    }

    @Override
    protected byte[] write(Object value) throws ProtocolException {
        return kryo.write(value);
    }

    @Test
    void shouldRefuseBytesLeftOver() {
        for (byte[] bytes : GoldenBytesTest.golden().values()) {
            assertThatThrownBy(() -> kryo.read(Arrays.copyOf(bytes, bytes.length + 1)))
                    .isInstanceOf(ProtocolException.class)
                    .hasMessageContaining("left over");
        }
    }

    /** Class ids are written plus 2: 18 is ping, 20 open, 22 delete, 36 linked. */
    @ParameterizedTest
    @ValueSource(
            strings = {
                // Lists of 2^31 - 1, of -1 and of a million, with nothing after it.
                "0214ffffffff07",
                "0214ffffffff0f",
                "0214c0843d",
                "0215ffffffff07",
                "0224ffffffff07",
                "0223ffffffff07",
                "0232ffffffff07",
                // Texts of 2^31 - 1 bytes, of 128 KiB and of one byte that is not there.
                "0216ffffffff07",
                "0216808008",
                "021601",
                // Bytes: 2^31 - 1 of them, and one that is not there.
                "0279ffffffff07",
                "027901",
                // A run of 2^31 - 1 programs.
                "02660161ffffffff07",
                // A number that never ends.
                "0236ffffffffffffffffffffffffffff",
            })
    void shouldAllocateLittleForClaimsThatNothingBacks(String hex) {
        byte[] bytes = HexFormat.of().parseHex(hex);

        assertThat(readOrRefuse(bytes)).isFalse();
        assertThatThrownBy(() -> kryo.read(bytes)).hasMessageNotContaining("version");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "", // nothing
                "02", // no class
                "0012", // version 0
                "0112", // an older version
                "0200", // null
                "02010021006a6176612e6c616e672e4f626aef", // a class by its name
                "02030161", // Kryo's own String
                "020204", // Kryo's own int
                "027f", // an id that nobody has
                "0218036f0000", // execve: an executable that is none
            })
    void shouldRefuseWhatIsNoMessage(String hex) {
        assertThatThrownBy(() -> kryo.read(HexFormat.of().parseHex(hex)))
                .isInstanceOf(ProtocolException.class);
    }

    @Test
    void shouldLookUpNoClassByName() {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        byte[] name = "io.cloister.protocol.message.Ping".getBytes(StandardCharsets.US_ASCII);
        name[name.length - 1] |= (byte) 0x80; // how Kryo ends an ASCII text
        bytes.write(ProtocolKryo.VERSION);
        bytes.write(1);
        bytes.write(0);
        bytes.writeBytes(name);

        assertThatThrownBy(() -> kryo.read(bytes.toByteArray()))
                .isInstanceOf(ProtocolException.class)
                .hasMessageContaining("only ids");
    }

    @Test
    void shouldRefuseTextThatIsNotUtf8() throws ProtocolException {
        byte[] bytes = kryo.write(new Delete("ab", false));
        for (byte[] bad :
                new byte[][] {{(byte) 0xC0, (byte) 0x80}, {(byte) 0xFF, 'a'}, {'a', (byte) 0xE2}}) {
            System.arraycopy(bad, 0, bytes, 3, 2);
            assertThatThrownBy(() -> kryo.read(bytes))
                    .isInstanceOf(ProtocolException.class)
                    .hasMessageContaining("UTF-8");
        }
    }

    @Test
    void shouldRefuseValuesThatTheirConstructorsRefuse() throws ProtocolException {
        byte[] root = kryo.write(new Credential(1, 1));
        root[2] = 0;
        assertThatThrownBy(() -> kryo.read(root))
                .isInstanceOf(ProtocolException.class)
                .hasMessageContaining("uid");

        byte[] escaping = kryo.write(new Delete("xx", true));
        escaping[3] = '.';
        escaping[4] = '.';
        assertThatThrownBy(() -> kryo.read(escaping)).isInstanceOf(ProtocolException.class);
    }

    @Test
    void shouldRefuseMessagesThatAreTooLong() {
        assertThatThrownBy(() -> kryo.read(new byte[ProtocolKryo.MAX_BYTES + 1]))
                .isInstanceOf(ProtocolException.class);
    }
}
