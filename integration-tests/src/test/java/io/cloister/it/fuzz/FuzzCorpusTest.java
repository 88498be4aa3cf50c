// SPDX-License-Identifier: Apache-2.0
package io.cloister.it.fuzz;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What a coverage-guided fuzzer has found to be of interest does no harm any more. */
@Timeout(120)
class FuzzCorpusTest {
    private static final int MAX_CORPUS_BYTES = 100 * 1024;

    private static void tryOne(FuzzTarget target, byte[] bytes) throws Exception {
        switch (target) {
            case FRAMES -> FrameFuzz.fuzzerTestOneInput(bytes);
            case VALUES -> ValueFuzz.fuzzerTestOneInput(bytes);
            case MESSAGES -> MessageFuzz.fuzzerTestOneInput(bytes);
        }
    }

    @ParameterizedTest
    @EnumSource
    void shouldUnderstandOrRefuseWhatWasFound(FuzzTarget target) throws Exception {
        List<byte[]> inputs = new ArrayList<>(target.golden());
        inputs.addAll(target.kept());
        assertThat(target.kept()).isNotEmpty();
        for (byte[] bytes : inputs) {
            try {
                tryOne(target, bytes);
            } catch (Exception | Error e) {
                throw new AssertionError(HexFormat.of().formatHex(bytes), e);
            }
        }
    }

    @ParameterizedTest
    @EnumSource
    void shouldKeepLittle(FuzzTarget target) {
        assertThat(target.corpus()).isRegularFile();
        assertThat(target.corpus().toFile().length()).isLessThan(MAX_CORPUS_BYTES);
    }
}
