// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.handler;

import io.cloister.nativeio.init.IdMap;
import io.cloister.nativeio.program.ProgramResult;
import io.cloister.nativeio.program.ProgramTooLargeException;
import io.cloister.nativeio.program.Step;
import io.cloister.nativeio.program.SyscallProgram;
import io.cloister.protocol.container.ContainerConfig;
import io.cloister.protocol.container.MaskPath;
import io.cloister.protocol.container.Mount;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * All of conf in one program, for whoever knows already what is at the paths that it mounts and
 * masks: from an earlier container of the same configuration. init compares, and a program that
 * finds otherwise ends before it has done anything that rests on it.
 */
public final class ConfPlan {
    private final ContainerConfig asked;
    private final boolean singleId;
    private final List<PathKind> sources;
    private final SyscallProgram program;
    private final List<Step> ofSources = new ArrayList<>();
    private final List<Step> ofMasks = new ArrayList<>();
    private final Optional<LockDown> lockDown;

    private ConfPlan(
            ContainerConfig asked,
            ContainerConfig effective,
            boolean singleId,
            List<PathKind> sources,
            List<PathKind> masked) {
        this.asked = asked;
        this.singleId = singleId;
        this.sources = List.copyOf(sources);
        SyscallProgram.Builder b = SyscallProgram.named("conf at once");
        List<Mount.Bind> binds = ConfSteps.binds(effective);
        for (int i = 0; i < binds.size(); i++) {
            ofSources.add(sources.get(i).expect(b, binds.get(i).source()));
        }
        ConfSteps steps = new ConfSteps(b, effective, singleId);
        steps.makeFileSystem(sources);
        List<MaskPath> paths = effective.maskPaths();
        for (int i = 0; i < paths.size(); i++) {
            ofMasks.add(masked.get(i).expect(b, paths.get(i).path()));
        }
        Masks.hide(b, effective, masked);
        steps.protect();
        lockDown =
                effective.initCommand().isEmpty()
                        ? Optional.of(LockDown.append(b))
                        : Optional.empty();
        program = b.build();
    }

    /**
     * Makes one, unless the program would be too long for a message.
     *
     * @param asked the configuration as it comes with requests
     * @param effective the same with the ids of the container
     * @param sources what the sources of its binds are
     * @param masked what the paths that it masks are
     */
    static Optional<ConfPlan> of(
            ContainerConfig asked,
            ContainerConfig effective,
            boolean singleId,
            List<PathKind> sources,
            List<PathKind> masked) {
        try {
            return Optional.of(new ConfPlan(asked, effective, singleId, sources, masked));
        } catch (ProgramTooLargeException e) {
            return Optional.empty();
        }
    }

    /** Whether it is a plan for this configuration of a container with these ids. */
    public boolean fits(ContainerConfig config, IdMap ids) {
        return ids.isSingle() == singleId && config.equals(asked);
    }

    List<PathKind> sources() {
        return sources;
    }

    SyscallProgram program() {
        return program;
    }

    /** Empty when the init command comes before it. */
    Optional<LockDown> lockDown() {
        return lockDown;
    }

    /** Whether the program ended at a source that is not what it was: nothing has been done. */
    boolean missedSource(ProgramResult result) {
        return ofSources.stream().anyMatch(result::failedAt);
    }

    /** Whether it ended at a path to mask that is not what it was: the file system is there. */
    boolean missedMask(ProgramResult result) {
        return ofMasks.stream().anyMatch(result::failedAt);
    }
}
