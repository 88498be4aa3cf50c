// SPDX-License-Identifier: Apache-2.0
package io.cloister.it;

import io.cloister.protocol.run.Program;
import io.cloister.protocol.unit.ByteSize;
import java.util.function.Function;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.TestInstance;

/**
 * A class whose tests share a worker with one warm container. After each of them the pool is back
 * at strength and the host as it was.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
@SuppressWarnings("NullAway.Init") // set before all tests
abstract class WorkerTest {
    /** A fixed number of containers can be counted; the second is for those of a test's own. */
    private static final String ONE = "cloister.containers { max = 2, warm = 1 }";

    private final String settings;
    private Function<String, Worker> start = Worker::start;
    private Worker worker;
    private HostState before;

    WorkerTest() {
        this("");
    }

    /** HOCON over the usual settings. */
    WorkerTest(String settings) {
        this.settings = settings + "\n";
    }

    /** Makes the worker that all tests share, from its settings. */
    final void startBy(Function<String, Worker> how) {
        start = how;
    }

    @BeforeAll
    void startWorker() {
        worker = start.apply(settings + ONE);
        worker.run(Program.of("/bin/true").collect(ByteSize.ofKiB(1))); // the collector's thread
        worker.awaitCalm();
        before = HostState.now();
    }

    @AfterEach
    void shouldLeaveTheHostAsItWas() {
        worker.awaitOne();
        before.assertUnchanged();
    }

    @AfterAll
    void stopWorker() {
        worker.close();
    }

    Worker worker() {
        return worker;
    }

    Leased acquire() {
        return worker.acquire();
    }
}
