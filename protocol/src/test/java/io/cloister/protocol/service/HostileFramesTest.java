// SPDX-License-Identifier: Apache-2.0
package io.cloister.protocol.service;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.cloister.protocol.container.ContainerConfig;
import io.cloister.protocol.kryo.HostileBytesCases;
import io.cloister.protocol.kryo.ProtocolException;
import io.cloister.protocol.kryo.ProtocolKryo;
import io.cloister.protocol.message.Conf;
import java.io.ByteArrayOutputStream;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** In place of frames, from a client or a service. */
class HostileFramesTest extends HostileBytesCases {
    private static final Map<String, byte[]> GOLDEN = FrameGoldenBytesTest.golden();
    private static final FrameKryo KRYO = new FrameKryo();

    HostileFramesTest() {
        super(GOLDEN);
    }

    @Override
    protected Optional<?> read(byte[] bytes) {
        Optional<Frame> client = read(KRYO::readClient, bytes);
        Optional<Frame> service = read(KRYO::readService, bytes);
        assertThat(client.isPresent() && service.isPresent()).as("both sides say it").isFalse();
        return client.or(() -> service);
    }

    private interface Side {
        Frame read(byte[] bytes) throws ProtocolException;
    }

    private static Optional<Frame> read(Side side, byte[] bytes) {
        try {
            return Optional.of(side.read(bytes));
        } catch (ProtocolException refused) {
            assertRefusal(refused);
            return Optional.empty();
        }
    }

    @Override
    protected byte[] write(Object frame) throws ProtocolException {
        return KRYO.write((Frame) frame);
    }

    @Test
    void shouldRefuseBytesLeftOver() {
        for (Map.Entry<String, byte[]> line : GOLDEN.entrySet()) {
            byte[] longer = Arrays.copyOf(line.getValue(), line.getValue().length + 1);
            assertThatThrownBy(() -> FrameGoldenBytesTest.read(KRYO, line.getKey(), longer))
                    .isInstanceOf(ProtocolException.class)
                    .hasMessageContaining("left over");
        }
    }

    /** Class ids are written plus 2: 8201 is hello, 8301 call, 9201 welcome, 9301 refused, … */
    @ParameterizedTest
    @ValueSource(
            strings = {
                // Call of open: lists of 2^31 - 1, of -1 and of a million, with nothing after it.
                "0283010114ffffffff07",
                "0283010114ffffffff0f",
                "0283010114c0843d",
                // Call of execve whose executable has a name of 2^31 - 1 bytes.
                "028301011843ffffffff07",
                // Opened files: 2^31 - 1 paths, 253 of them, 2^31 - 1 and 1024 errors.
                "02960101ffffffff07",
                "02960101fd01",
                "0296010100ffffffff07",
                "02960101008008",
                // Hello to a profile of 2^31 - 1 bytes, of 128 KiB, and of one that is not there.
                "0282010202ffffffff07",
                "0282010202808008",
                "028201020201",
                // Welcome: 2^31 - 1 entries of the environment.
                "0292010201ffffffff07",
                // Refused: a step of 2^31 - 1 bytes.
                "02930100ffffffff07",
                // A serial that never ends, one of 2^31 and one of 0.
                "028401ffffffffffffffffffffffffffff",
                "0284018080808008",
                "02840100",
                // A standstill that is neither there nor not, cut short, of a number without end.
                "02970108020000",
                "0297010801",
                "029701080101",
                "02970108010180808080808080808080",
                // A look whose serial is 0, and one with more after it.
                "02860100",
                "0286010801",
                // A call of what is no request: a frame within it, a reply, a run, a class by name.
                "02830101830101",
                "0283010125",
                "0283010166",
                "0283010101006a6176612e6c616e672e4f626aef",
                // An answer that is a request, and one that is none.
                "0295010112",
                "0295010100",
                // A class of values instead of a frame; Kryo's own text; null; nothing; no version.
                "0212",
                "02030161",
                "0200",
                "02",
                "",
            })
    void shouldAllocateLittleForClaimsThatNothingBacks(String hex) {
        assertThat(readOrRefuse(HexFormat.of().parseHex(hex))).isFalse();
    }

    @Test
    void shouldAllocateInProportionForTheLargestFrames() {
        for (byte[] golden : GOLDEN.values()) {
            for (int fill : new int[] {0, 1, 2, 0x7F, 'a', '/', 0xFF}) {
                byte[] bytes = new byte[Frame.MAX_BYTES];
                Arrays.fill(bytes, (byte) fill);
                System.arraycopy(golden, 0, bytes, 0, Math.min(5, golden.length));
                readOrRefuse(bytes);
            }
        }
    }

    /** Empty texts, as many as a list may have: the environment of a welcome, and arguments. */
    @ParameterizedTest
    @ValueSource(strings = {"0292010201", "0283010118430161"})
    void shouldAllocateInProportionForLongListsOfShortTexts(String head) {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        bytes.writeBytes(HexFormat.of().parseHex(head));
        bytes.writeBytes(HexFormat.of().parseHex("808008")); // 128 Ki of them
        bytes.writeBytes(new byte[128 * 1024]);
        assertThat(readOrRefuse(bytes.toByteArray())).isFalse();
    }

    @Test
    void shouldRefuseConfInACall() throws ProtocolException {
        byte[] conf = new ProtocolKryo().write(new Conf(ContainerConfig.builder().build()));
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        bytes.write(GOLDEN.get("call-ping"), 0, 4); // up to the request
        bytes.write(conf, 1, conf.length - 1);

        assertThatThrownBy(() -> KRYO.readClient(bytes.toByteArray()))
                .isInstanceOf(ProtocolException.class)
                .hasMessageContaining("name a profile instead");
    }
}
