// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.cli;

import io.cloister.protocol.message.Execve;
import io.cloister.protocol.message.ExecveReply;
import io.cloister.protocol.message.ExecveResult;
import io.cloister.protocol.message.Failure;
import io.cloister.protocol.run.Termination;
import io.cloister.supervisor.CloisterSettings;
import io.cloister.supervisor.doctor.Doctor;
import io.cloister.supervisor.doctor.Finding;
import io.cloister.supervisor.handler.ExecveDescriptors;
import io.cloister.supervisor.run.ContainerException;
import io.cloister.supervisor.run.ContainerSession;
import java.io.IOException;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Probes the machine and shows the findings. */
@Command(
        name = "doctor",
        description = {
            "Probes everything that Cloister needs of this machine, by doing it, and says how to"
                    + " get what is missing.",
            "Marks: ✓ fine, · for information, ! would be better, - not tried, ✗ missing."
        },
        mixinStandardHelpOptions = true,
        versionProvider = Version.class,
        exitCodeOnExecutionException = Main.SOFTWARE,
        exitCodeListHeading = "%nExit codes:%n",
        exitCodeList = {
            "0:everything that is required is there",
            "1:something is missing",
            "2:the command line is wrong",
            "70:Cloister failed"
        })
final class DoctorCommand implements Callable<Integer> {
    private static final String WHOLE = "container";
    private static final int LINE = 100;
    private static final String PROGRAM = "/bin/true";

    @Spec private CommandSpec spec = CommandSpec.create();

    @Option(names = "--json", description = "Print one JSON document instead of the table.")
    private boolean json;

    @Override
    public Integer call() throws IOException, InterruptedException {
        Map<String, ?> overrides =
                Map.of("cloister.containers.warm", 0, "cloister.containers.max", 1);
        CloisterSettings settings = CloisterSettings.from(EmbeddedWorker.config(overrides, false));
        List<Finding> findings = new ArrayList<>();
        try (Doctor doctor =
                new Doctor(settings.uidRanges(), settings.cgroups(), settings.socket())) {
            for (Doctor.Probe probe : doctor.probes()) {
                findings.add(doctor.ask(probe));
            }
        }
        findings.add(
                findings.stream().anyMatch(Finding::isFailure)
                        ? Finding.notTried(WHOLE, "something that it needs is missing")
                        : runInContainer(overrides));
        boolean healthy = findings.stream().noneMatch(Finding::isFailure);
        PrintWriter out = spec.commandLine().getOut();
        out.print(json ? json(findings, healthy) : table(findings, healthy));
        out.flush();
        return healthy ? 0 : 1;
    }

    /** All of it at once, as a user would. */
    private static Finding runInContainer(Map<String, ?> overrides)
            throws IOException, InterruptedException {
        try (EmbeddedWorker worker = EmbeddedWorker.local(overrides);
                ContainerSession container = worker.create(worker.settings().standard())) {
            ExecveReply reply =
                    container.execute(Execve.of(PROGRAM).build(), ExecveDescriptors.none());
            return switch (reply) {
                case Failure failure -> Finding.failed(WHOLE, failure.describe(), "");
                case ExecveResult result ->
                        result.termination().equals(new Termination.Exited(0))
                                ? Finding.ok(
                                        WHOLE,
                                        "created, configured, ran %s in %s"
                                                .formatted(
                                                        PROGRAM,
                                                        Durations.format(
                                                                result.setUpTime()
                                                                        .plus(result.wallTime()))))
                                : Finding.failed(WHOLE, PROGRAM + ": " + result.termination(), "");
            };
        } catch (ContainerException e) {
            return Finding.failed(WHOLE, e.failure().describe(), "");
        }
    }

    private static String table(List<Finding> findings, boolean healthy) {
        int name = findings.stream().mapToInt(finding -> finding.name().length()).max().orElse(0);
        StringBuilder text = new StringBuilder();
        for (Finding finding : findings) {
            String heading =
                    finding.mark().symbol()
                            + "  "
                            + finding.name()
                            + " ".repeat(name - finding.name().length() + 2);
            TextTable.wrap(text, heading, finding.detail(), LINE);
            if (!finding.remedy().isEmpty()) {
                TextTable.wrap(text, " ".repeat(name + 5) + "→ ", finding.remedy(), LINE);
            }
        }
        return text.append('\n')
                .append(
                        healthy
                                ? "Cloister works on this machine.\n"
                                : "Cloister does not work on this machine: see ✗ above.\n")
                .toString();
    }

    private record Document(boolean healthy, List<FindingDocument> findings) {}

    private record FindingDocument(
            String name, Finding.Mark mark, String detail, Optional<String> remedy) {
        static FindingDocument of(Finding finding) {
            return new FindingDocument(
                    finding.name(),
                    finding.mark(),
                    finding.detail(),
                    Optional.of(finding.remedy()).filter(text -> !text.isEmpty()));
        }
    }

    private static String json(List<Finding> findings, boolean healthy) {
        return Json.write(
                new Document(healthy, findings.stream().map(FindingDocument::of).toList()));
    }
}
