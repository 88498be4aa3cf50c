// SPDX-License-Identifier: Apache-2.0
package io.cloister.it.judge;

import com.typesafe.config.Config;
import io.cloister.protocol.unit.ByteSize;
import java.time.Duration;
import java.util.List;
import java.util.Optional;

/**
 * The limits of a problem, as a package's problem.yaml has them or judge.conf where it says
 * nothing.
 *
 * @param time CPU time of a submission on one case; absent when it follows from the accepted
 *     submissions
 * @param timeMultiplier the slowest accepted submission's time is multiplied with for that
 * @param timeResolution and rounded up to a multiple of this
 * @param memory of a submission
 * @param output of a submission, and the length of its files
 * @param code all source files of a submission together
 */
record ProblemLimits(
        Optional<Duration> time,
        double timeMultiplier,
        Duration timeResolution,
        ByteSize memory,
        ByteSize output,
        ByteSize code,
        Duration compilationTime,
        ByteSize compilationMemory,
        Duration validationTime,
        ByteSize validationMemory,
        ByteSize validationOutput) {
    private static final double NANOS = 1e9;

    /** Bounds of Cloister's, in the package's units. */
    private static final long MAX_SECONDS = 3600;

    private static final long MAX_MEMORY_MIB = 1 << 24;
    private static final long MAX_OUTPUT_MIB = 64;
    private static final long MAX_CODE_KIB = 16 << 10;

    private static final List<String> KEYS =
            List.of(
                    "time_limit",
                    "time_resolution",
                    "time_multiplier",
                    "time_multipliers",
                    "time_safety_margin",
                    "memory",
                    "output",
                    "code",
                    "compilation_time",
                    "compilation_memory",
                    "validation_time",
                    "validation_memory",
                    "validation_output",
                    "validation_passes");

    /**
     * Reads them.
     *
     * @param limits that part of problem.yaml
     * @param legacy whether the package is in the format's first version
     * @param elsewhere the time limit as another file of the package has it
     * @param defaults that part of judge.conf
     */
    static ProblemLimits read(
            YamlMap limits, boolean legacy, Optional<Duration> elsewhere, Config defaults)
            throws BadPackageException {
        limits.allowOnly(KEYS);
        Optional<Duration> time = seconds(limits, "time_limit");
        YamlMap multipliers = legacy ? limits : limits.map("time_multipliers");
        return new ProblemLimits(
                time.isPresent() ? time : elsewhere,
                multipliers
                        .positiveNumber(legacy ? "time_multiplier" : "ac_to_time_limit")
                        .orElse(
                                defaults.getDouble(
                                        legacy ? "time-multiplier" : "ac-to-time-limit")),
                seconds(limits, "time_resolution").orElse(defaults.getDuration("time-resolution")),
                mebibytes(limits, "memory", MAX_MEMORY_MIB, defaults),
                mebibytes(limits, "output", MAX_OUTPUT_MIB, defaults),
                limits.count("code", MAX_CODE_KIB)
                        .map(ByteSize::ofKiB)
                        .orElse(size(defaults, "code")),
                seconds(limits, "compilation_time", defaults),
                mebibytes(limits, "compilation_memory", MAX_MEMORY_MIB, defaults),
                seconds(limits, "validation_time", defaults),
                mebibytes(limits, "validation_memory", MAX_MEMORY_MIB, defaults),
                mebibytes(limits, "validation_output", MAX_OUTPUT_MIB, defaults));
    }

    private static Duration seconds(YamlMap limits, String key, Config defaults)
            throws BadPackageException {
        return seconds(limits, key).orElse(defaults.getDuration(key.replace('_', '-')));
    }

    private static Optional<Duration> seconds(YamlMap limits, String key)
            throws BadPackageException {
        Optional<Double> seconds = limits.positiveNumber(key);
        if (seconds.isPresent() && seconds.get() > MAX_SECONDS) {
            throw limits.wrong(key, "at most " + MAX_SECONDS + " seconds");
        }
        return seconds.map(ProblemLimits::ofSeconds);
    }

    /** At least a nanosecond. */
    static Duration ofSeconds(double seconds) {
        return Duration.ofNanos(Math.max(1, Math.round(seconds * NANOS)));
    }

    private static ByteSize mebibytes(YamlMap limits, String key, long max, Config defaults)
            throws BadPackageException {
        return limits.count(key, max)
                .map(ByteSize::ofMiB)
                .orElse(size(defaults, key.replace('_', '-')));
    }

    private static ByteSize size(Config defaults, String key) {
        return ByteSize.ofBytes(defaults.getBytes(key));
    }

    /** The time limit that follows from the slowest run of accepted submissions. */
    Duration timeFor(Duration slowest) {
        double wanted = slowest.toNanos() * timeMultiplier;
        double steps = Math.ceil(wanted / timeResolution.toNanos());
        return timeResolution.multipliedBy(Math.max(1, (long) steps));
    }
}
