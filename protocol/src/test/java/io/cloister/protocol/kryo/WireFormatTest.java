// SPDX-License-Identifier: Apache-2.0
package io.cloister.protocol.kryo;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.cloister.protocol.kryo.WireFormat.Versions;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * Two releases of a made-up format: what the second one adds is absent in the bytes of the first.
 */
@Timeout(20)
class WireFormatTest {
    private static final int MAX_BYTES = 1000;

    /** The part has a colour from version 8 on. */
    record Part(String name, String colour) {}

    record Whole(List<Part> parts, int weight) {}

    private static final List<WireType<?>> FIRST =
            List.of(
                    new WireType<>(
                            20,
                            Part.class,
                            (out, part) -> out.text(part.name()),
                            in -> new Part(in.text(), "white")),
                    new WireType<>(
                            21,
                            Whole.class,
                            (out, whole) ->
                                    out.list(whole.parts(), WireOutput::value)
                                            .count(whole.weight()),
                            in -> new Whole(in.list(9, i -> i.value(Part.class)), in.count())));

    private static final List<WireType<?>> SECOND =
            List.of(
                    new WireType<>(
                            20,
                            Part.class,
                            (out, part) ->
                                    out.text(part.name()).since(8, o -> o.text(part.colour())),
                            in -> new Part(in.text(), in.since(8, WireInput::text, "white"))),
                    FIRST.get(1));

    private static final Whole COLOURED =
            new Whole(List.of(new Part("a", "red"), new Part("b", "blue")), 3);
    private static final Whole WHITE =
            new Whole(List.of(new Part("a", "white"), new Part("b", "white")), 3);

    private final WireFormat first = new WireFormat(FIRST, new Versions(7, 7, 7), MAX_BYTES);
    private final WireFormat second = new WireFormat(SECOND, new Versions(7, 8, 8), MAX_BYTES);
    private final WireFormat careful = new WireFormat(SECOND, new Versions(7, 8, 7), MAX_BYTES);

    @Test
    void shouldReadWhatTheReleaseBeforeWrote() throws ProtocolException {
        assertThat(second.read(first.write(COLOURED), Whole.class)).isEqualTo(WHITE);
        assertThat(second.read(second.write(COLOURED), Whole.class)).isEqualTo(COLOURED);
    }

    @Test
    void shouldWriteWhatTheReleaseBeforeReads() throws ProtocolException {
        assertThat(careful.write(COLOURED)).isEqualTo(first.write(COLOURED));
        assertThat(first.read(careful.write(COLOURED), Whole.class)).isEqualTo(WHITE);
        assertThat(careful.read(second.write(COLOURED), Whole.class)).isEqualTo(COLOURED);
    }

    @Test
    void shouldForgetTheVersionOfTheMessageBefore() throws ProtocolException {
        byte[] older = first.write(COLOURED);
        byte[] newer = second.write(COLOURED);
        for (int i = 0; i < 3; i++) {
            assertThat(second.read(newer, Whole.class)).isEqualTo(COLOURED);
            assertThat(second.read(older, Whole.class)).isEqualTo(WHITE);
            assertThat(second.write(COLOURED)).isEqualTo(newer);
        }
    }

    @Test
    void shouldRefuseANewerVersionAndSayWhatToDo() throws ProtocolException {
        byte[] newer = second.write(COLOURED);

        assertThatThrownBy(() -> first.read(newer, Whole.class))
                .isInstanceOf(ProtocolException.class)
                .hasMessageContaining("version 8, the newest known here is 7")
                .hasMessageContaining("cloister.cluster.wire-version");
    }

    @Test
    void shouldRefuseAVersionThatIsTooOld() throws ProtocolException {
        byte[] older = first.write(COLOURED);
        WireFormat third = new WireFormat(SECOND, new Versions(8, 9, 9), MAX_BYTES);

        assertThatThrownBy(() -> third.read(older, Whole.class))
                .isInstanceOf(ProtocolException.class)
                .hasMessageContaining("version 7, the oldest known here is 8");
    }

    @Test
    void shouldNotTakeTheBytesOfOneVersionForThoseOfAnother() throws ProtocolException {
        byte[] bytes = second.write(COLOURED);
        bytes[0] = 7;

        assertThatThrownBy(() -> second.read(bytes, Whole.class))
                .isInstanceOf(ProtocolException.class);
    }

    @Test
    void shouldReadTheFieldsOfAClassThatTheReaderKnows() throws ProtocolException {
        byte[] fields = second.writeFields(COLOURED);

        assertThat(fields).hasSize(second.write(COLOURED).length - 1);
        assertThat(second.readFields(fields, Whole.class)).isEqualTo(COLOURED);
        assertThatThrownBy(() -> second.readFields(fields, Part.class))
                .isInstanceOf(ProtocolException.class);
    }

    @Test
    void shouldRefuseMessagesThatAreTooLong() {
        Part long1 = new Part("x".repeat(MAX_BYTES), "red");

        assertThatThrownBy(() -> second.write(long1)).isInstanceOf(ProtocolException.class);
        assertThatThrownBy(() -> second.read(new byte[MAX_BYTES + 1], Part.class))
                .isInstanceOf(ProtocolException.class)
                .hasMessageContaining("at most 1000");
    }

    @Test
    void shouldRefuseListsAndVersionsThatCannotBe() {
        List<WireType<?>> twice = List.of(FIRST.get(0), SECOND.get(0));
        assertThatThrownBy(() -> new WireFormat(twice, new Versions(7, 7, 7), MAX_BYTES))
                .isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> new WireType<>(9, Part.class, (o, p) -> {}, in -> null))
                .isInstanceOf(IllegalArgumentException.class);
        for (int written : new int[] {6, 9}) {
            assertThatThrownBy(() -> new Versions(7, 8, written))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("possible are 7 to 8");
        }
        assertThatThrownBy(() -> new ProtocolKryo(ProtocolKryo.VERSION + 1))
                .isInstanceOf(IllegalArgumentException.class);
    }
}
