// SPDX-License-Identifier: Apache-2.0
package io.cloister.nativeio.cgroup;

import io.cloister.nativeio.fd.Fd;
import java.util.Optional;
import java.util.Set;

/** No control groups: nothing is limited, nothing measured. */
record NoCgroups(String reason) implements Cgroups {

    @Override
    public CgroupVersion version() {
        return CgroupVersion.NONE;
    }

    @Override
    public Set<CgroupController> controllers() {
        return Set.of();
    }

    @Override
    public String whyNot(CgroupController missing) {
        return reason;
    }

    @Override
    public String describe() {
        return "no control groups: " + reason;
    }

    @Override
    public ContainerCgroup create(String name) {
        return new Container();
    }

    @Override
    public void close() {}

    private record Container() implements ContainerCgroup {
        @Override
        public Optional<Fd> initGroup() {
            return Optional.empty();
        }

        @Override
        public void admit(int pid, int hostUid) {}

        @Override
        public CgroupRun begin(CgroupLimits limits) {
            return new Run();
        }

        @Override
        public Optional<String> leftover() {
            return Optional.empty();
        }

        @Override
        public void remove() {}
    }

    private record Run() implements CgroupRun {
        @Override
        public Optional<Fd> forkInto() {
            return Optional.empty();
        }

        @Override
        public Optional<CpuUsage> cpuUsage() {
            return Optional.empty();
        }

        @Override
        public boolean countsInit() {
            return false;
        }

        @Override
        public CgroupFigures end() {
            return CgroupFigures.none();
        }

        @Override
        public void close() {}
    }
}
