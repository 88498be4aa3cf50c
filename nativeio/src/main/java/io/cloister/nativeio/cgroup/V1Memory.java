// SPDX-License-Identifier: Apache-2.0
package io.cloister.nativeio.cgroup;

import io.cloister.nativeio.fd.SystemCallException;
import io.cloister.nativeio.libc.Errno;
import io.cloister.nativeio.libc.Linux;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Optional;
import java.util.OptionalLong;

/** A container's group of the version 1 memory controller: cgroup-v1/memory.rst of the kernel. */
final class V1Memory implements AutoCloseable {
    static final String SOURCE = "cgroup-v1 max_usage";

    /** Memory and swap together, where the kernel accounts for swap. */
    static final String WITH_SWAP = "memory.memsw.limit_in_bytes";

    private static final long UNLIMITED = -1;

    /** More than init and the kernel's objects for its container ever need. */
    private static final long OWN_MAX = 4L << 20;

    /** More than stays of a run in good order: what the kernel keeps in its own lists. */
    private static final long LEFTOVER_MAX = 8L << 20;

    /**
     * Of a process that is killed at the limit, as much as this may have been refused at once: more
     * than a huge page. memory.failcnt would tell, but it stays 0 in recent kernels (6.18).
     */
    private static final long LARGEST_CHARGE = 4L << 20;

    /** Of memory.stat: files in tmpfs and shared memory. */
    static final String SHARED = "shmem";

    /** As long as less remains, what it consists of is not worth the time to ask. */
    static final long WORTH_A_LOOK = 1L << 20;

    /** More than init's largest message and all that the kernel allocates on its behalf. */
    private static final long ROOM_FOR_INIT = 32L << 20;

    /**
     * Until a program is executed it shares init's memory, and who kills it at its limit kills
     * init.
     */
    private static final long LEAST = 2L << 20;

    private final Path group;
    private final CgroupFile limit;
    private final Optional<CgroupFile> limitWithSwap;
    private final CgroupFile peak;
    private final CgroupFile usage;
    private final CgroupFile oomControl;
    private final CgroupFile stat;
    private final Optional<CgroupFile> peakWithSwap;
    private boolean limited;
    private long killsBefore;
    private long limitBytes = Long.MAX_VALUE;
    private boolean cramped;
    private long runBytes;
    private long sharedBefore;
    private long sharedAfter;

    /**
     * What init and its container use, which a run's limit is not for: as it was before the first.
     */
    private OptionalLong own = OptionalLong.empty();

    /**
     * What a run used.
     *
     * @param kills processes killed because of the limit
     * @param remainingBytes caches that are still there after it, and init
     */
    record Figures(long peakBytes, long kills, long remainingBytes) {}

    V1Memory(Path group) throws IOException {
        this.group = group;
        limit = CgroupFile.open(group, "memory.limit_in_bytes", Linux.O_WRONLY);
        limitWithSwap = CgroupFile.openIfThere(group, WITH_SWAP, Linux.O_WRONLY);
        peak = CgroupFile.open(group, "memory.max_usage_in_bytes", Linux.O_RDWR);
        usage = CgroupFile.open(group, "memory.usage_in_bytes", Linux.O_RDONLY);
        oomControl = CgroupFile.open(group, "memory.oom_control", Linux.O_RDONLY);
        stat = CgroupFile.open(group, "memory.stat", Linux.O_RDONLY);
        peakWithSwap =
                CgroupFile.openIfThere(group, "memory.memsw.max_usage_in_bytes", Linux.O_RDONLY);
        if (limitWithSwap.isEmpty()) {
            CgroupFile.write(group, "memory.swappiness", "0");
        }
        killsBefore = oomControl.value("oom_kill");
    }

    void begin(OptionalLong asked) throws IOException {
        OptionalLong bytes =
                asked.isPresent() ? OptionalLong.of(Math.max(LEAST, asked.getAsLong())) : asked;
        runBytes = bytes.orElse(Long.MAX_VALUE);
        if (own.isEmpty()) {
            own = OptionalLong.of(Math.min(usage.number(), OWN_MAX));
        }
        long wanted = bytes.isPresent() ? bytes.getAsLong() + own.getAsLong() : Long.MAX_VALUE;
        if (!limited || wanted != limitBytes) {
            lift();
            limitBytes = wanted;
            if (bytes.isPresent()) {
                limited = true;
                limitBeyondOwn(bytes.getAsLong());
            }
        }
        peak.write("0");
        sharedBefore = sharedAfter == 0 ? 0 : stat.value(SHARED);
    }

    /** Whether too little is left of the limit for init to work. */
    boolean mustLift() {
        return limited && cramped;
    }

    /** What the kernel cannot give back now is not the run's: {@link #leftover} bounds it. */
    private void limitBeyondOwn(long bytes) throws IOException {
        try {
            limit(limitBytes);
        } catch (SystemCallException e) {
            if (!e.errno().equals(Errno.EBUSY)) {
                throw e;
            }
            limitBytes = usage.number() + bytes;
            limit(limitBytes);
        }
    }

    /** Memory with swap may never be limited to less than memory alone. */
    private void limit(long bytes) throws IOException {
        String value = Long.toString(bytes);
        limit.write(value);
        if (limitWithSwap.isPresent()) {
            limitWithSwap.get().write(value);
        }
    }

    void lift() throws IOException {
        if (!limited) {
            return;
        }
        String value = Long.toString(UNLIMITED);
        if (limitWithSwap.isPresent()) {
            limitWithSwap.get().write(value);
        }
        limit.write(value);
        limited = false;
    }

    Figures end() throws IOException {
        cramped = true; // unless it turns out otherwise
        long killsNow = oomControl.value("oom_kill");
        long kills = killsNow - killsBefore;
        killsBefore = killsNow;
        long most = peak.number();
        if (kills > 0 && Math.max(most, mostWithSwap()) < limitBytes - LARGEST_CHARGE) {
            throw new OuterOutOfMemoryException(kills);
        }
        long remaining = usage.number();
        cramped = kills > 0 || remaining > limitBytes - ROOM_FOR_INIT;
        sharedAfter = remaining > WORTH_A_LOOK ? stat.value(SHARED) : 0;
        long stays = Math.max(0, remaining - Math.max(0, sharedAfter - sharedBefore));
        // what of init's own did not remain is not the run's either
        long possible = limitBytes == Long.MAX_VALUE ? most : stays + runBytes;
        return new Figures(Math.min(most, possible), kills, stays);
    }

    /** Whether more is there than init needs and the kernel gives back when it is asked. */
    Optional<String> leftover() throws IOException {
        long most = own.orElse(OWN_MAX) + LEFTOVER_MAX;
        if (usage.number() <= most || withoutCache() <= most) {
            return Optional.empty();
        }
        CgroupFile.write(group, "memory.force_empty", "0");
        long left = withoutCache();
        return left <= most ? Optional.empty() : Optional.of("%d bytes of memory".formatted(left));
    }

    /** Cached files make room by themselves. */
    private long withoutCache() throws IOException {
        return usage.number() - stat.value("active_file") - stat.value("inactive_file");
    }

    private long mostWithSwap() throws IOException {
        return peakWithSwap.isPresent() ? peakWithSwap.get().number() : 0;
    }

    @Override
    public void close() {
        limit.close();
        limitWithSwap.ifPresent(CgroupFile::close);
        peak.close();
        usage.close();
        oomControl.close();
        stat.close();
        peakWithSwap.ifPresent(CgroupFile::close);
    }
}
