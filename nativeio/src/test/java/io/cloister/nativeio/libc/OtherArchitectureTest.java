// SPDX-License-Identifier: Apache-2.0
package io.cloister.nativeio.libc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.cloister.nativeio.testkit.Skip;
import java.util.Arrays;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The numbers of both architectures, where the build had a compiler for both. */
class OtherArchitectureTest {

    @ParameterizedTest
    @EnumSource
    void shouldHaveEveryNumberThatThisMachineHas(Architecture architecture) {
        Map<String, Long> numbers = constants(architecture);

        assertThat(numbers.keySet()).isEqualTo(constants(Architecture.current()).keySet());
        // what is Cloister's own does not depend on the machine
        assertThat(numbers)
                .containsEntry("FORK", 0x8000L)
                .containsEntry("MESSAGE_AT", Linux.MESSAGE_AT)
                .containsEntry("COUNT_MAX", (long) Linux.COUNT_MAX)
                .containsEntry("open_how_SIZE", 24L);
    }

    @Test
    void shouldTellWhatDiffers() {
        Map<String, Long> x86 = constants(Architecture.X86_64);
        Map<String, Long> arm = constants(Architecture.AARCH64);

        // arch/arm64/include/uapi/asm/fcntl.h and stat.h
        assertThat(x86).containsEntry("O_DIRECTORY", 0200000L).containsEntry("stat_SIZE", 144L);
        assertThat(arm).containsEntry("O_DIRECTORY", 040000L).containsEntry("stat_SIZE", 128L);
        assertThat(arm).containsEntry("X32_SYSCALL_BIT", 0L);
    }

    @ParameterizedTest
    @EnumSource
    void shouldHaveEverySystemCallThatProgramsMake(Architecture architecture) {
        SyscallTable table = table(architecture);

        assertThat(Arrays.stream(Sys.values()).map(Sys::lowerCaseName))
                .allSatisfy(name -> assertThat(table.number(name)).as(name).isPresent());
        assertThat(table.number("openat2")).hasValue(437);
        assertThat(table.number("getpid")).hasValue(architecture == Architecture.X86_64 ? 39 : 172);
        assertThat(table.number("fork").isPresent()).isEqualTo(architecture == Architecture.X86_64);
    }

    @Test
    void shouldSayHowToGetWhatTheBuildLacked() {
        assertThatThrownBy(() -> HeaderResource.read("linux-pdp11.properties"))
                .isInstanceOf(UnsupportedOperationException.class)
                .hasMessageContaining("linux-pdp11.properties");
    }

    private static Map<String, Long> constants(Architecture architecture) {
        try {
            return HeaderResource.read("linux-" + architecture.machine() + ".properties");
        } catch (UnsupportedOperationException e) {
            Skip.when(true, String.valueOf(e.getMessage()));
            throw e;
        }
    }

    private static SyscallTable table(Architecture architecture) {
        try {
            return SyscallTable.of(architecture);
        } catch (UnsupportedOperationException e) {
            Skip.when(true, String.valueOf(e.getMessage()));
            throw e;
        }
    }
}
