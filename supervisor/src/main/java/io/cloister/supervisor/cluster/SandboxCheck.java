// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.cluster;

import akka.actor.typed.ActorRef;
import akka.actor.typed.Behavior;
import akka.actor.typed.javadsl.AbstractOnMessageBehavior;
import akka.actor.typed.javadsl.ActorContext;
import akka.actor.typed.javadsl.Behaviors;
import io.cloister.protocol.container.ContainerConfig;
import io.cloister.protocol.container.MaskPath;
import io.cloister.protocol.message.Failure;
import io.cloister.protocol.run.Content;
import io.cloister.protocol.run.CopyIn;
import io.cloister.protocol.run.Enforced;
import io.cloister.protocol.run.Limit;
import io.cloister.protocol.run.Limits;
import io.cloister.protocol.run.Mechanism;
import io.cloister.protocol.run.Output;
import io.cloister.protocol.run.Program;
import io.cloister.protocol.run.ProgramOutcome;
import io.cloister.protocol.run.Run;
import io.cloister.protocol.run.RunResult;
import io.cloister.protocol.run.Status;
import io.cloister.protocol.unit.ByteSize;
import io.cloister.supervisor.run.RunService;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Whether a node's sandbox holds: a short hostile set, made of programs that every host has, run as
 * any other run. It tells once, and ends.
 *
 * <p>It finds what is set up wrongly on this host, such as control groups that do not limit; it is
 * no proof.
 */
final class SandboxCheck extends AbstractOnMessageBehavior<SandboxCheck.Command> {
    /** Of a worker without control groups. */
    static final String NO_CGROUPS = "none";

    private static final String SCRIPT = "sandbox-check.sh";
    private static final ByteSize OUTPUT = ByteSize.ofKiB(16);

    /** Beyond every deadline of the run service's. */
    private static final Duration PATIENCE = Duration.ofMinutes(2);

    private static final int SHOWN = 300;

    sealed interface Command {}

    private record Ran(RunResult result) implements Command {}

    private record NoAnswer() implements Command {}

    /**
     * What was found.
     *
     * @param complaints what does not hold, and how it shows; none if all does
     * @param skipped limits that this host cannot enforce, so that runs must allow less
     * @param cgroups their version: "v2", "v1" or "none"
     */
    record Report(List<String> complaints, List<String> skipped, String cgroups) {
        Report {
            complaints = List.copyOf(complaints);
            skipped = List.copyOf(skipped);
        }

        boolean holds() {
            return complaints.isEmpty();
        }
    }

    /**
     * A program, and how it must end.
     *
     * @param limit that must end it; absent for a program that finds out for itself, and says what
     *     it found
     */
    record Trial(String name, Program program, Optional<Limit> limit) {
        private Set<Mechanism> enforcedBy(ProgramOutcome outcome) {
            return outcome.enforced().stream()
                    .filter(enforced -> limit.equals(Optional.of(enforced.limit())))
                    .map(Enforced::by)
                    .collect(Collectors.toSet());
        }

        /** Whether it asks for more than this host can do. */
        boolean isSkipped(ProgramOutcome outcome) {
            return limit.isPresent() && enforcedBy(outcome).isEmpty();
        }

        /**
         * What a resource limit does leaves no trace but the program's own failure: docs/limits.md.
         */
        private boolean wasRefusedByItsRlimit(ProgramOutcome outcome) {
            return enforcedBy(outcome).equals(Set.of(Mechanism.RLIMIT))
                    && (outcome.status() == Status.NONZERO_EXIT
                            || outcome.status() == Status.SIGNALLED);
        }

        /** What is wrong; empty if nothing is. */
        Optional<String> complaint(ProgramOutcome outcome) {
            if (outcome.failure().isPresent()) {
                return Optional.of(
                        "%s: not carried out: %s"
                                .formatted(name, outcome.failure().get().describe()));
            }
            if (limit.isPresent()) {
                return isSkipped(outcome)
                                || outcome.limit().equals(limit)
                                || wasRefusedByItsRlimit(outcome)
                        ? Optional.empty()
                        : Optional.of(
                                "%s: ended with %s, not by the limit"
                                        .formatted(name, outcome.status()));
            }
            String said = text(outcome, 1) + text(outcome, 2);
            return outcome.status() == Status.OK && said.isEmpty()
                    ? Optional.empty()
                    : Optional.of("%s: %s %s".formatted(name, outcome.status(), said).strip());
        }

        private static String text(ProgramOutcome outcome, int stream) {
            Output output = outcome.outputs().get(stream);
            String text = output == null ? "" : output.content().utf8().orElse("(no UTF-8)");
            return text.length() <= SHOWN ? text : text.substring(0, SHOWN);
        }
    }

    private final List<Trial> trials;
    private final ActorRef<RunService.Command> runs;
    private final ActorRef<RunResult> answers;
    private final ActorRef<Report> replyTo;
    private final List<String> complaints = new ArrayList<>();
    private final List<String> skipped = new ArrayList<>();
    private String cgroups = NO_CGROUPS;
    private int at;

    private SandboxCheck(
            ActorContext<Command> context,
            ContainerConfig config,
            ActorRef<RunService.Command> runs,
            ActorRef<Report> replyTo) {
        super(context);
        this.trials = trials(config);
        this.runs = runs;
        this.replyTo = replyTo;
        answers = context.messageAdapter(RunResult.class, Ran::new);
        context.setReceiveTimeout(PATIENCE, new NoAnswer());
        next();
    }

    /** The behaviour of a check of containers of this configuration. */
    static Behavior<Command> create(
            ContainerConfig config, ActorRef<RunService.Command> runs, ActorRef<Report> replyTo) {
        return Behaviors.setup(context -> new SandboxCheck(context, config, runs, replyTo));
    }

    @Override
    public Behavior<Command> onMessage(Command command) {
        switch (command) {
            case Ran(RunResult result) -> take(result.results().getFirst());
            case NoAnswer none -> {
                complaints.add(trials.get(at).name() + ": no answer within " + PATIENCE);
                at = trials.size();
            }
        }
        if (at < trials.size()) {
            next();
            return this;
        }
        replyTo.tell(new Report(complaints, skipped, cgroups));
        return Behaviors.stopped();
    }

    private void next() {
        Trial trial = trials.get(at);
        runs.tell(new RunService.Submit(Run.of("sandbox check", trial.program()), answers));
    }

    private void take(ProgramOutcome outcome) {
        Trial trial = trials.get(at++);
        trial.complaint(outcome).ifPresent(complaints::add);
        if (outcome.failure().filter(SandboxCheck::isForWantOfContainers).isPresent()) {
            at = trials.size(); // each of the others would wait as long
            return;
        }
        if (outcome.failure().isEmpty() && trial.isSkipped(outcome)) {
            skipped.add(trial.name() + ": this host cannot enforce it, see cloister doctor");
        }
        for (Enforced enforced : outcome.enforced()) {
            if (enforced.by() == Mechanism.CGROUP_V2) {
                cgroups = "v2";
            } else if (enforced.by() == Mechanism.CGROUP_V1) {
                cgroups = "v1";
            }
        }
    }

    private static boolean isForWantOfContainers(Failure failure) {
        return failure.kind() == Failure.Kind.UNAVAILABLE;
    }

    // ---- the set -----------------------------------------------------------------------------

    static List<Trial> trials(ContainerConfig config) {
        List<String> look = new ArrayList<>(List.of("/bin/sh", SCRIPT));
        Stream.of(ContainerConfig.standard(), config)
                .flatMap(each -> each.maskPaths().stream())
                .map(MaskPath::path)
                .distinct()
                .forEach(look::add);
        return List.of(
                new Trial(
                        "an endless loop",
                        shell("while :; do :; done")
                                .limits(limits().cpuTime(Duration.ofMillis(100)).build())
                                .build(),
                        Optional.of(Limit.CPU_TIME)),
                new Trial(
                        "an endless sleep",
                        shell("exec sleep 60")
                                .limits(limits().wallTime(Duration.ofMillis(200)).build())
                                .build(),
                        Optional.of(Limit.WALL_TIME)),
                new Trial(
                        "memory without end",
                        Program.of("tail", "/dev/zero")
                                .limits(limits().memory(ByteSize.ofMiB(32)).build())
                                .build(),
                        Optional.of(Limit.MEMORY)),
                new Trial(
                        "processes without end",
                        shell("while :; do sleep 60 & done")
                                .limits(
                                        limits().processes(8)
                                                .wallTime(Duration.ofSeconds(2))
                                                .build())
                                .build(),
                        Optional.of(Limit.PROCESSES)),
                new Trial(
                        "output without end",
                        Program.of("cat", "/dev/zero")
                                .collect(OUTPUT)
                                .limits(limits().build())
                                .build(),
                        Optional.of(Limit.OUTPUT)),
                new Trial(
                        "a look around",
                        Program.of(look)
                                .copyIn(CopyIn.File.of(SCRIPT, Content.ofUtf8(script())))
                                .collect(OUTPUT)
                                .limits(limits().build())
                                .build(),
                        Optional.empty()));
    }

    private static Program.Builder shell(String script) {
        return Program.of("/bin/sh", "-c", script);
    }

    private static Limits.Builder limits() {
        return Limits.builder().wallTime(Duration.ofSeconds(5)).allowLess(true);
    }

    private static String script() {
        try (InputStream script = SandboxCheck.class.getResourceAsStream(SCRIPT)) {
            if (script == null) {
                throw new IllegalStateException(SCRIPT + " is not in this build");
            }
            return new String(script.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
