// SPDX-License-Identifier: Apache-2.0
package io.cloister.nativeio.program;

import static org.assertj.core.api.Assertions.assertThat;

import io.cloister.nativeio.libc.Errno;
import io.cloister.nativeio.libc.Linux;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** docs/protocol.md says what the code does: its tables are compared with it, number by number. */
class ProtocolDocTest {
    private static final Pattern CONSTANT =
            Pattern.compile("\\| `([A-Z_]+)` \\| (-?[0-9]+|0x[0-9a-f]+) \\|.*");
    private static final Pattern FIELD =
            Pattern.compile("\\| `([a-z_]+)` \\| ([0-9]+) \\| ([a-z0-9]+)(\\[[a-z0-9]+])? \\|.*");

    private static List<String> lines;

    /** Where a field is and how many bytes it takes; of an array, one element. */
    private record Field(int offset, int width) {
        long read(ByteBuffer from) {
            return switch (width) {
                case Byte.BYTES -> from.get(offset);
                case Short.BYTES -> Short.toUnsignedInt(from.getShort(offset));
                case Integer.BYTES -> from.getInt(offset);
                default -> from.getLong(offset);
            };
        }

        void write(ByteBuffer into, long value) {
            switch (width) {
                case Short.BYTES -> into.putShort(offset, (short) value);
                case Integer.BYTES -> into.putInt(offset, (int) value);
                default -> into.putLong(offset, value);
            }
        }
    }

    @BeforeAll
    static void read() throws IOException {
        Path directory = Path.of("").toAbsolutePath();
        while (!Files.exists(directory.resolve("docs/protocol.md"))) {
            directory = directory.getParent();
        }
        lines = Files.readAllLines(directory.resolve("docs/protocol.md"));
    }

    @Test
    void shouldGiveEveryConstantOfTheWireItsValue() {
        Map<String, Long> documented = new LinkedHashMap<>();
        for (String line : lines) {
            Matcher row = CONSTANT.matcher(line);
            if (row.matches()) {
                assertThat(documented.put(row.group(1), Long.decode(row.group(2))))
                        .as("given twice: %s", row.group(1))
                        .isNull();
            }
        }
        assertThat(documented.keySet())
                .containsExactlyInAnyOrder(
                        "SOCK",
                        "FORK",
                        "REPLY",
                        "WATCH",
                        "CONT",
                        "IGN",
                        "REPEAT",
                        "ALWAYS",
                        "POSITIVE",
                        "FINAL",
                        "EARLY",
                        "RESULTS_AT",
                        "DESCRIPTORS_AT",
                        "MESSAGE_AT",
                        "COUNT_MAX",
                        "DESCRIPTORS_MAX",
                        "MESSAGE_MAX",
                        "NOT_RUN");
        documented.forEach(
                (name, value) -> assertThat(value).as(name).isEqualTo(Linux.constant(name)));
    }

    @Test
    void shouldPlaceTheFieldsOfAMessageWhereTheyAre() {
        SyscallProgram.Builder b = SyscallProgram.named("message");
        Data data = b.bytes(new byte[] {11, 22, 33});
        b.reply(data);
        b.reply(data);
        SyscallProgram program = b.build();
        ByteBuffer frame = frame(program.size());
        program.encode(77, frame);

        Map<String, Field> fields = table("message field");
        assertThat(fields.get("count").read(frame)).isEqualTo(2);
        assertThat(fields.get("data_len").read(frame)).isEqualTo(3);
        assertThat(fields.get("serial").read(frame)).isEqualTo(77);
        assertThat(fields.get("zero").read(frame)).isZero();
        int start = field("message field", "data");
        assertThat(frame.get(start)).isEqualTo((byte) 11);
        assertThat(data.at()).isEqualTo(Linux.MESSAGE_AT + start);
        assertThat(program.size()).isEqualTo(start + 8 + 2 * field("instruction field", "size"));
    }

    @Test
    void shouldPlaceTheFieldsOfAnInstructionWhereTheyAre() {
        SyscallProgram.Builder b = SyscallProgram.named("instruction");
        Data word = b.reserve(Long.BYTES);
        Arg[] arguments = {
            Arg.of(1), Arg.of(2), Arg.of(3), Arg.of(4), Arg.of(5), word.word(0),
        };
        ByteBuffer frame = frame(Step.SIZE);
        new Step(0, 0x1234, "call", "name", "subject", arguments)
                .ignoring(Errno.ENOENT)
                .always()
                .encode(frame);

        Map<String, Field> fields = table("instruction field");
        assertThat(field("instruction field", "size")).isEqualTo(Step.SIZE);
        assertThat(fields.get("op").read(frame)).isEqualTo(0x1234);
        assertThat(fields.get("flags").read(frame)).isEqualTo(Linux.IGN | Linux.ALWAYS);
        assertThat(fields.get("ind").read(frame)).isEqualTo(1 << 5);
        assertThat(fields.get("aux").read(frame)).isEqualTo(Errno.ENOENT.number());
        int first = fields.get("a").offset();
        for (int i = 0; i < arguments.length; i++) {
            assertThat(frame.getLong(first + i * Long.BYTES)).isEqualTo(arguments[i].value());
        }
    }

    @Test
    void shouldPlaceTheFieldsOfAReplyWhereTheyAre() throws BadReplyException {
        Map<String, Field> fields = table("reply field");
        int results = fields.get("results").offset();
        ByteBuffer frame = frame(results + 2 * Long.BYTES + 1);
        fields.get("serial").write(frame, 99);
        fields.get("kind").write(frame, Linux.EARLY);
        fields.get("count").write(frame, 2);
        fields.get("fail").write(frame, 2);
        fields.get("error").write(frame, Errno.EPERM.number());
        frame.putLong(results, 5).putLong(results + Long.BYTES, -Errno.EPERM.number());
        frame.put(results + 2 * Long.BYTES, (byte) 42);

        ProgramResult result = ProgramResult.decode(frame, List.of());
        assertThat(result.serial()).isEqualTo(99);
        assertThat(result.early()).isTrue();
        assertThat(result.fail()).isEqualTo(2);
        assertThat(result.errno()).isEqualTo(Errno.EPERM);
        assertThat(result.results().limit()).isEqualTo(2);
        assertThat(result.results().get(1)).isEqualTo(-Errno.EPERM.number());
        assertThat(result.bytes().get(0)).isEqualTo((byte) 42);
    }

    private static ByteBuffer frame(int size) {
        return ByteBuffer.allocate(size).order(ByteOrder.LITTLE_ENDIAN);
    }

    /** The rows of the table whose first column has this title. */
    private static List<String> rows(String title) {
        int start = 0;
        while (!lines.get(start).startsWith("| " + title + " |")) {
            start++;
        }
        return lines.subList(start, lines.size()).stream()
                .takeWhile(line -> line.startsWith("|"))
                .toList();
    }

    private static Map<String, Field> table(String title) {
        Map<String, Field> fields = new LinkedHashMap<>();
        for (String line : rows(title)) {
            Matcher row = FIELD.matcher(line);
            if (row.matches() && !row.group(3).equals("bytes")) {
                int bits = Integer.parseInt(row.group(3).substring(1));
                fields.put(
                        row.group(1), new Field(Integer.parseInt(row.group(2)), bits / Byte.SIZE));
            }
        }
        return fields;
    }

    /** The number in the second column of a row. */
    private static int field(String title, String name) {
        return rows(title).stream()
                .map(line -> line.split("\\|"))
                .filter(row -> row[1].replaceAll("[`* ]", "").equals(name))
                .mapToInt(row -> Integer.parseInt(row[2].strip()))
                .findFirst()
                .orElseThrow();
    }
}
