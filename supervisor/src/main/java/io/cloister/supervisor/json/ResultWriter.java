// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.json;

import com.fasterxml.jackson.core.JsonGenerator;
import io.cloister.protocol.message.Failure;
import io.cloister.protocol.run.Content;
import io.cloister.protocol.run.Enforced;
import io.cloister.protocol.run.Evidence;
import io.cloister.protocol.run.Limit;
import io.cloister.protocol.run.Output;
import io.cloister.protocol.run.ProgramOutcome;
import io.cloister.protocol.run.RunResult;
import io.cloister.protocol.run.Termination;
import io.cloister.protocol.run.Usage;
import io.cloister.protocol.unit.Bytes;
import java.io.IOException;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** From a {@link RunResult} to a document; what is absent is left out. */
final class ResultWriter {
    private static final int STDERR = 2;

    private final JsonGenerator out;

    ResultWriter(JsonGenerator out) {
        this.out = out;
    }

    void result(RunResult result) throws IOException {
        out.writeStartObject();
        out.writeStringField("id", result.id());
        out.writeArrayFieldStart("results");
        for (ProgramOutcome outcome : result.results()) {
            outcome(outcome);
        }
        out.writeEndArray();
        if (!result.transcripts().isEmpty()) {
            out.writeObjectFieldStart("transcripts");
            for (Map.Entry<Integer, Bytes> transcript : result.transcripts().entrySet()) {
                bytes(Integer.toString(transcript.getKey()), transcript.getValue());
            }
            out.writeEndObject();
        }
        out.writeEndObject();
    }

    void error(BadRequestException wrong, long line) throws IOException {
        out.writeStartObject();
        if (wrong.id().isPresent()) {
            out.writeStringField("id", wrong.id().get());
        } else {
            out.writeNullField("id");
        }
        out.writeNumberField("line", line);
        out.writeObjectFieldStart("error");
        textUnlessEmpty("place", wrong.place());
        out.writeStringField("message", wrong.reason());
        out.writeEndObject();
        out.writeEndObject();
    }

    private void outcome(ProgramOutcome outcome) throws IOException {
        out.writeStartObject();
        out.writeStringField("status", outcome.status().name());
        Optional<Termination> termination = outcome.termination();
        if (termination.isPresent()) {
            switch (termination.get()) {
                case Termination.Exited(int code) -> out.writeNumberField("exitCode", code);
                case Termination.Signalled signalled ->
                        out.writeStringField("signal", signalled.signalName());
            }
        }
        if (outcome.limit().isPresent()) {
            out.writeStringField("limit", outcome.limit().get().text());
        }
        Evidence evidence = outcome.evidence();
        if (evidence.disallowedSyscall().isPresent()) {
            out.writeStringField("disallowedSyscall", evidence.disallowedSyscall().get());
        }
        if (outcome.failure().isPresent()) {
            failure(outcome.failure().get());
        }
        if (termination.isPresent()) {
            figures(outcome);
        }
        outputs(outcome.outputs());
        files(outcome.files());
        if (termination.isPresent()) {
            enforced(outcome.enforced());
            evidence(evidence, termination.get());
        }
        out.writeEndObject();
    }

    private void failure(Failure failure) throws IOException {
        out.writeObjectFieldStart("failure");
        out.writeStringField("kind", failure.kind().name());
        textUnlessEmpty("step", failure.step());
        textUnlessEmpty("subject", failure.subject());
        textUnlessEmpty("errno", failure.errnoName());
        textUnlessEmpty("message", failure.message());
        out.writeEndObject();
    }

    private void figures(ProgramOutcome outcome) throws IOException {
        Usage usage = outcome.usage();
        out.writeNumberField("cpuTimeNanos", usage.cpuTime().toNanos());
        out.writeNumberField("userTimeNanos", usage.userCpu().toNanos());
        out.writeNumberField("systemTimeNanos", usage.systemCpu().toNanos());
        out.writeNumberField("wallTimeNanos", outcome.wallTime().toNanos());
        out.writeNumberField("setUpTimeNanos", outcome.setUpTime().toNanos());
        out.writeNumberField("memoryBytes", usage.memory().bytes());
        out.writeStringField("memorySource", usage.memorySource().text());
        out.writeNumberField("maxResidentBytes", usage.maxResidentSet().bytes());
        if (usage.peakProcesses().isPresent()) {
            out.writeNumberField("peakProcesses", usage.peakProcesses().getAsInt());
        }
    }

    private void outputs(Map<Integer, Output> outputs) throws IOException {
        for (int number = 1; number <= STDERR; number++) {
            Output output = outputs.get(number);
            if (output != null) {
                bytes(RunFormat.streamName(number), output.content());
            }
        }
        List<Map.Entry<Integer, Output>> further =
                outputs.entrySet().stream().filter(entry -> entry.getKey() > STDERR).toList();
        if (!further.isEmpty()) {
            out.writeObjectFieldStart("outputs");
            for (Map.Entry<Integer, Output> output : further) {
                bytes(Integer.toString(output.getKey()), output.getValue().content());
            }
            out.writeEndObject();
        }
        List<Integer> truncated =
                outputs.entrySet().stream()
                        .filter(entry -> entry.getValue().truncated())
                        .map(Map.Entry::getKey)
                        .toList();
        if (!truncated.isEmpty()) {
            out.writeArrayFieldStart("truncated");
            for (int number : truncated) {
                out.writeString(RunFormat.streamName(number));
            }
            out.writeEndArray();
        }
    }

    private void files(Map<String, Content> files) throws IOException {
        if (files.isEmpty()) {
            return;
        }
        out.writeObjectFieldStart("files");
        for (Map.Entry<String, Content> file : files.entrySet()) {
            switch (file.getValue()) {
                case Content.Inline(Bytes content) -> bytes(file.getKey(), content);
                case Content.Stored(String id) -> {
                    out.writeObjectFieldStart(file.getKey());
                    out.writeStringField("stored", id);
                    out.writeEndObject();
                }
                case Content.HostFile host ->
                        throw new IllegalStateException("a result never names " + host);
            }
        }
        out.writeEndObject();
    }

    private void enforced(List<Enforced> enforced) throws IOException {
        Map<Limit, List<String>> mechanisms = new EnumMap<>(Limit.class);
        for (Enforced each : enforced) {
            mechanisms
                    .computeIfAbsent(each.limit(), limit -> new ArrayList<>())
                    .add(each.by().text());
        }
        out.writeObjectFieldStart("enforced");
        for (Map.Entry<Limit, List<String>> limit : mechanisms.entrySet()) {
            out.writeFieldName(limit.getKey().text());
            out.writeStartArray();
            for (String mechanism : limit.getValue()) {
                out.writeString(mechanism);
            }
            out.writeEndArray();
        }
        out.writeEndObject();
    }

    private void evidence(Evidence evidence, Termination termination) throws IOException {
        out.writeObjectFieldStart("evidence");
        out.writeNumberField("oomKills", evidence.oomKills());
        out.writeNumberField("processesRefused", evidence.processesRefused());
        out.writeBooleanField(
                "coreDumped",
                termination instanceof Termination.Signalled signalled && signalled.coreDumped());
        out.writeBooleanField("idle", evidence.idle());
        if (!evidence.observedSyscalls().isEmpty()) {
            out.writeArrayFieldStart("observedSyscalls");
            for (String name : evidence.observedSyscalls()) {
                out.writeString(name);
            }
            out.writeEndArray();
        }
        out.writeEndObject();
    }

    /** Text where the bytes are UTF-8, else an object with base64. */
    private void bytes(String name, Bytes bytes) throws IOException {
        Optional<String> text = bytes.utf8();
        if (text.isPresent()) {
            out.writeStringField(name, text.get());
        } else {
            out.writeObjectFieldStart(name);
            out.writeBinaryField("base64", bytes.toArray());
            out.writeEndObject();
        }
    }

    private void textUnlessEmpty(String name, String text) throws IOException {
        if (!text.isEmpty()) {
            out.writeStringField(name, text);
        }
    }
}
