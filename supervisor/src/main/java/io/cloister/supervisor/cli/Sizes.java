// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.cli;

import io.cloister.protocol.check.InvalidRequest;
import io.cloister.protocol.unit.ByteSize;
import java.util.Locale;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** Sizes as people write and read them: {@code 64MiB}. */
public final class Sizes implements ITypeConverter<ByteSize> {
    private static final double MIB = 1 << 20;

    @Override
    public ByteSize convert(String text) {
        try {
            return ByteSize.parse(text);
        } catch (InvalidRequest e) {
            throw new TypeConversionException(String.valueOf(e.getMessage()));
        }
    }

    /** For a table, in MiB: {@code 1.3 MiB}. */
    public static String format(ByteSize size) {
        return String.format(Locale.ROOT, "%.1f MiB", size.bytes() / MIB);
    }
}
