// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.cli;

import io.cloister.protocol.message.Failure;
import io.cloister.protocol.run.ProgramOutcome;
import io.cloister.protocol.run.Run;
import io.cloister.protocol.run.RunResult;
import io.cloister.protocol.run.Status;
import io.cloister.protocol.unit.ByteSize;
import io.cloister.supervisor.json.BadRequestException;
import io.cloister.supervisor.json.RunFormat;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.util.ArrayDeque;
import java.util.Collections;
import java.util.HashSet;
import java.util.Map;
import java.util.Optional;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.LinkedBlockingQueue;

/**
 * Reads requests, one on each line, runs them on a number of containers, and writes one line for
 * each in order of completion: docs/run-format.md.
 *
 * <p>One thread reads and parses; the one that calls {@link #run} starts runs and writes. As many
 * requests are read ahead as there are containers, and no more than one longest line of them, so
 * that input of any length takes bounded memory.
 */
final class Batch {
    /** Carries runs out. */
    interface Runner {
        CompletionStage<RunResult> run(Run run);

        /** Ends a run that was begun. */
        void cancel(String id);
    }

    /** Is told how far the work is. */
    interface Watcher {
        void done(long results, long badLines);
    }

    /**
     * How it ended.
     *
     * @param results lines with a result
     * @param badLines lines that were no request, or none that could be carried out
     */
    record Summary(long results, long badLines) {}

    private sealed interface Event {
        record Request(long line, int length, Run run) implements Event {}

        record Bad(long line, int length, BadRequestException reason) implements Event {}

        record Done(Request request, RunResult result) implements Event {}

        /** No more lines, because of an error perhaps. */
        record End(Optional<IOException> error) implements Event {}
    }

    private final int containers;
    private final Runner runner;
    private final Watcher watcher;
    private final OutputStream out;
    private final LineReader lines;
    private final Admission admission;
    private final BlockingQueue<Event> events = new LinkedBlockingQueue<>();

    private final Queue<Event.Request> waiting = new ArrayDeque<>();
    private final Set<String> active = new HashSet<>();
    private int free;
    private long results;
    private long badLines;

    Batch(InputStream in, OutputStream out, int containers, Runner runner, Watcher watcher) {
        this(in, out, containers, runner, watcher, RunFormat.MAX_DOCUMENT);
    }

    Batch(
            InputStream in,
            OutputStream out,
            int containers,
            Runner runner,
            Watcher watcher,
            ByteSize maxLine) {
        this.containers = containers;
        this.runner = runner;
        this.watcher = watcher;
        this.out = new BufferedOutputStream(out);
        lines = new LineReader(in, maxLine.bytes());
        admission = new Admission(2 * containers, maxLine.bytes());
        free = containers;
    }

    /**
     * Returns when the input has ended and every line is answered.
     *
     * @throws IOException if the input cannot be read any more or the output not be written; what
     *     runs then is told to end
     */
    Summary run() throws IOException, InterruptedException {
        Thread reader = new Thread(this::read, "batch-reader");
        reader.setDaemon(true); // it may wait for input that never comes
        reader.start();
        try {
            Optional<Event.End> end = Optional.empty();
            while (end.isEmpty() || !active.isEmpty()) {
                if (events.isEmpty()) {
                    out.flush();
                }
                switch (events.take()) {
                    case Event.Request request -> onRequest(request);
                    case Event.Bad bad -> refuse(bad);
                    case Event.Done done -> onDone(done);
                    case Event.End last -> end = Optional.of(last);
                }
            }
            out.flush();
            if (end.get().error().isPresent()) {
                throw end.get().error().get();
            }
            return new Summary(results, badLines);
        } finally {
            active.forEach(runner::cancel);
            reader.interrupt();
        }
    }

    private void onRequest(Event.Request request) throws IOException {
        Run run = request.run();
        if (run.programs().size() > containers) {
            refuse(
                    request,
                    "%d programs need as many containers, there are %d: raise --containers"
                            .formatted(run.programs().size(), containers));
        } else if (!active.add(run.id())) {
            refuse(request, "a request with this id is being worked on: choose another id");
        } else {
            waiting.add(request);
            start();
        }
    }

    /** In the order of the lines, so that a run that needs many containers gets them. */
    private void start() {
        while (!waiting.isEmpty() && waiting.element().run().programs().size() <= free) {
            Event.Request request = waiting.remove();
            free -= request.run().programs().size();
            CompletionStage<Boolean> unused =
                    runner.run(request.run())
                            .exceptionally(failure -> lost(request.run(), failure))
                            .thenApply(result -> events.add(new Event.Done(request, result)));
        }
    }

    private static RunResult lost(Run run, Throwable failure) {
        ProgramOutcome outcome =
                ProgramOutcome.notRun(
                        Status.INTERNAL_ERROR,
                        Failure.of(Failure.Kind.INTERNAL, "the run has no result: " + failure));
        return new RunResult(
                run.id(), Collections.nCopies(run.programs().size(), outcome), Map.of());
    }

    private void onDone(Event.Done done) throws IOException {
        RunFormat.write(done.result(), out);
        results++;
        active.remove(done.request().run().id());
        free += done.request().run().programs().size();
        admission.leave(done.request().length());
        watcher.done(results, badLines);
        start();
    }

    private void refuse(Event.Request request, String reason) throws IOException {
        BadRequestException wrong = BadRequestException.of(request.run(), reason);
        refuse(new Event.Bad(request.line(), request.length(), wrong));
    }

    private void refuse(Event.Bad bad) throws IOException {
        RunFormat.write(bad.reason(), bad.line(), out);
        badLines++;
        admission.leave(bad.length());
        watcher.done(results, badLines);
    }

    // ---- the reader's thread --------------------------------------------------------------------

    private void read() {
        Optional<IOException> error = Optional.empty();
        try {
            for (Optional<LineReader.Line> line = lines.next();
                    line.isPresent();
                    line = lines.next()) {
                read(line.get());
            }
        } catch (IOException e) {
            error = Optional.of(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt(); // nobody waits for more lines
        } catch (RuntimeException | OutOfMemoryError e) {
            error = Optional.of(new IOException("reading broke off: " + e, e));
        }
        events.add(new Event.End(error));
    }

    private void read(LineReader.Line line) throws InterruptedException {
        switch (line) {
            case LineReader.Line.TooLong(long number) -> {
                admission.enter(0);
                events.add(new Event.Bad(number, 0, BadRequestException.tooLong()));
            }
            case LineReader.Line.Text(long number, byte[] bytes) -> {
                if (!isBlank(bytes)) {
                    admission.enter(bytes.length);
                    events.add(parse(number, bytes));
                }
            }
        }
    }

    private static Event parse(long number, byte[] bytes) {
        try {
            return new Event.Request(number, bytes.length, RunFormat.read(bytes));
        } catch (BadRequestException wrong) {
            return new Event.Bad(number, bytes.length, wrong);
        }
    }

    private static boolean isBlank(byte[] bytes) {
        for (byte b : bytes) {
            if (b != ' ' && b != '\t' && b != '\r') {
                return false;
            }
        }
        return true;
    }

    /** Bounds what was read and is not answered yet, in number and in bytes. */
    private static final class Admission {
        private final int maxRequests;
        private final long maxBytes;
        private int requests;
        private long bytes;

        Admission(int maxRequests, long maxBytes) {
            this.maxRequests = maxRequests;
            this.maxBytes = maxBytes;
        }

        synchronized void enter(int length) throws InterruptedException {
            while (requests >= maxRequests || bytes + length > maxBytes) {
                wait();
            }
            requests++;
            bytes += length;
        }

        synchronized void leave(int length) {
            requests--;
            bytes -= length;
            notifyAll();
        }
    }
}
