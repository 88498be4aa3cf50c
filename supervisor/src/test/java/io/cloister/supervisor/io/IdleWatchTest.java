// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.io;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.cloister.protocol.message.Standstill;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Real processes in the place of containers: the shell that starts the others is their init. */
@Timeout(120)
class IdleWatchTest {
    /** Begins with the shell's standard input, a pipe, as descriptor 3. */
    private static final String INIT = "exec 3<&0; ";

    private static final int LOOKS = 30;

    @TempDir private Path directory;

    private final List<Process> inits = new ArrayList<>();

    @AfterEach
    void end() throws Exception {
        for (Process init : inits) {
            init.descendants().forEach(ProcessHandle::destroyForcibly);
            init.destroyForcibly().waitFor();
        }
    }

    private Process start(String script) throws IOException {
        Process init =
                new ProcessBuilder("/bin/sh", "-c", INIT + script + " wait")
                        .redirectError(ProcessBuilder.Redirect.INHERIT)
                        .start();
        inits.add(init);
        return init;
    }

    private Watch watch(Flow... flows) {
        List<Integer> pids = inits.stream().map(init -> (int) init.pid()).toList();
        return new Watch(pids, new IdleWatch(List.of(flows)));
    }

    private record Watch(List<Integer> inits, IdleWatch watch) {
        boolean look() {
            Map<Integer, Optional<Standstill>> seen = new HashMap<>();
            inits.forEach(init -> seen.put(init, ThreadLook.at(init)));
            return watch.isIdle(seen);
        }
    }

    private static void awaitIdle(Watch watch) {
        await().until(watch::look);
    }

    /** Many looks, as far apart as those of {@link #awaitIdle}, and none may say yes. */
    private static void assertNeverIdle(Watch watch) throws InterruptedException {
        for (int i = 0; i < LOOKS; i++) {
            assertThat(watch.look()).isFalse();
            Thread.sleep(20);
        }
    }

    @Test
    void shouldKnowProgramsThatWaitForEachOther() throws Exception {
        start("cat <&3 &");
        start("cat <&3 >/dev/null &");
        Watch watch = watch();
        assertThat(watch.look()).isFalse();
        awaitIdle(watch);
        assertThat(watch.look()).isTrue();
    }

    @Test
    void shouldSeeThatAByteHasPassed() throws Exception {
        Process init = start("cat <&3 &");
        Watch watch = watch();
        awaitIdle(watch);
        init.getOutputStream().write(1);
        init.getOutputStream().flush();
        assertThat(init.getInputStream().read()).isEqualTo(1);
        assertThat(watch.look()).isFalse();
        awaitIdle(watch);
    }

    @Test
    void shouldKnowAWriterThatIsNotRead() throws Exception {
        start("cat /dev/zero &");
        awaitIdle(watch());
    }

    @Test
    void shouldNotTakeAProgramForIdleThatComputes() throws Exception {
        start("cat <&3 & while :; do :; done &");
        assertNeverIdle(watch());
    }

    @Test
    void shouldNotTakeAProgramForIdleThatSleeps() throws Exception {
        start("cat <&3 & sleep 1000 &");
        assertNeverIdle(watch());
    }

    @Test
    void shouldNotTakeAProgramForIdleThatIsStopped() throws Exception {
        start("cat <&3 & sh -c 'kill -STOP $$' &");
        assertNeverIdle(watch());
    }

    @Test
    void shouldNotTakeAProgramForIdleThatWaitsForSomethingElse() throws Exception {
        Path fifo = directory.resolve("fifo");
        assertThat(new ProcessBuilder("mkfifo", fifo.toString()).start().waitFor()).isZero();
        start("cat <&3 & cat " + fifo + " &");
        assertNeverIdle(watch());
    }

    @Test
    void shouldNotTakeForIdleWhatWaitsInNoPipe() throws Exception {
        start("sh -c 'cat /dev/null; exit 0' &");
        assertNeverIdle(watch());
    }

    @Test
    void shouldKnowProgramsWithChildrenAndZombies() throws Exception {
        start("sh -c '(exit 0) & sh -c \"cat <&3; exit 0\"; exit 0' &");
        awaitIdle(watch());
    }

    @Test
    void shouldReadNoNames() throws Exception {
        Path odd = directory.resolve("x) R 1 2 (y");
        Files.copy(Path.of("/bin/cat"), odd);
        assertThat(odd.toFile().setExecutable(true)).isTrue();
        start("'" + odd + "' <&3 &");
        awaitIdle(watch());
    }

    @Test
    void shouldLookAtEveryThread() throws Exception {
        start("cat <&3 & " + python("threading.Thread(target=lambda: time.sleep(1000)).start()"));
        assertNeverIdle(watch());
    }

    @Test
    void shouldKnowThreadsThatWaitForEachOther() throws Exception {
        start("cat <&3 & " + python("l = threading.Lock(); l.acquire(); l.acquire()"));
        awaitIdle(watch());
    }

    @Test
    void shouldTellWaitingForEverFromWaitingForAWhile() throws Exception {
        start("cat <&3 & " + python("select.select([0], [], [])"));
        awaitIdle(watch());
        start(python("select.select([0], [], [], 1000)"));
        assertNeverIdle(watch());
    }

    private static String python(String statement) {
        return "python3 -S -c 'import select, threading, time; " + statement + "' <&3 &";
    }

    @Test
    void shouldNotLookAtAnyNumberOfThreads() throws Exception {
        String many = "i=0; while [ $i -lt %d ]; do cat <&3 & i=$((i + 1)); done; ";
        start(many.formatted(ThreadLook.MAX_THREADS));
        awaitIdle(watch());
        start(many.formatted(ThreadLook.MAX_THREADS + 1));
        assertNeverIdle(watch());
    }

    @Test
    void shouldKnowNoneWhereThereIsNoProgram() throws Exception {
        start("cat <&3 &");
        awaitIdle(watch());
        start("read line;");
        assertNeverIdle(watch());
    }

    @Test
    void shouldNotTakeForIdleWhatTheWorkerHoldsUp() throws Exception {
        start("cat <&3 &");
        AtomicBoolean atRest = new AtomicBoolean();
        Watch watch = watch(atRest::get);
        assertNeverIdle(watch);
        atRest.set(true);
        awaitIdle(watch);
    }

    @Test
    void shouldNotTakeForIdleWhatHasEnded() throws Exception {
        Process init = start("cat <&3 &");
        Watch watch = watch();
        awaitIdle(watch);
        init.getOutputStream().close();
        init.waitFor();
        assertNeverIdle(watch);
    }
}
