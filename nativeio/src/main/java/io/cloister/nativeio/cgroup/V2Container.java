// SPDX-License-Identifier: Apache-2.0
package io.cloister.nativeio.cgroup;

import io.cloister.nativeio.fd.Fd;
import io.cloister.nativeio.fd.SystemCallException;
import io.cloister.nativeio.libc.LibC;
import io.cloister.nativeio.libc.Linux;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Optional;
import java.util.Set;

/** A container's group of version 2: init in one below it, each run in a fresh one beside that. */
final class V2Container implements ContainerCgroup {
    private final Path group;
    private final Set<CgroupController> controllers;
    private final Fd init;
    private int initUid = LibC.geteuid();
    private long runs;

    private V2Container(Path group, Set<CgroupController> controllers, Fd init) {
        this.group = group;
        this.controllers = controllers;
        this.init = init;
    }

    static V2Container create(Path group, Set<CgroupController> controllers) throws IOException {
        Groups.make(group);
        try {
            V2Cgroups.pass(controllers, group);
            Path init = group.resolve("init");
            Groups.make(init);
            return new V2Container(group, controllers, openDirectory(init));
        } catch (IOException e) {
            try {
                Groups.remove(group);
            } catch (IOException again) {
                e.addSuppressed(again);
            }
            throw e;
        }
    }

    static Fd openDirectory(Path group) throws IOException {
        return Fd.open(group.toString(), Linux.O_RDONLY | Linux.O_DIRECTORY, 0);
    }

    @Override
    public Optional<Fd> initGroup() {
        return Optional.of(init);
    }

    @Override
    public synchronized void admit(int pid, int hostUid) throws IOException {
        initUid = hostUid;
        giveToInit(group);
    }

    /** Lets init fork into a group, and out of one into others below it: clone(2), cgroups(7). */
    private void giveToInit(Path directory) throws IOException {
        if (initUid != LibC.geteuid()) {
            String procs = directory.resolve(Groups.PROCS).toString();
            if (LibC.chown(procs, initUid, -1) == -1) {
                throw new SystemCallException("chown", procs, LibC.errno());
            }
        }
    }

    @Override
    public synchronized CgroupRun begin(CgroupLimits limits) throws IOException {
        runs++;
        Path leaf = group.resolve("run-" + runs);
        Groups.make(leaf);
        try {
            giveToInit(leaf);
            return V2Run.open(leaf, controllers, limits);
        } catch (IOException e) {
            try {
                Groups.remove(leaf);
            } catch (IOException again) {
                e.addSuppressed(again);
            }
            throw e;
        }
    }

    @Override
    public Optional<String> leftover() {
        return Optional.empty();
    }

    @Override
    public synchronized void remove() throws IOException {
        init.close();
        Groups.remove(group);
    }
}
