// SPDX-License-Identifier: Apache-2.0
package io.cloister.it;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A worker's long life, shortened. */
class CyclesTest {
    private static final int CYCLES = 1000;
    private static final int WARM_UP = 20;

    @Test
    @Timeout(180)
    void shouldHaveNoMoreOfAnythingAfterManyContainers() {
        try (Worker worker = Worker.start("cloister.containers { max = 2, warm = 0 }")) {
            cycles(worker, WARM_UP);
            HostState before = HostState.now();
            cycles(worker, CYCLES);
            System.gc(); // so that descriptors that nobody closed are found
            before.assertUnchanged();
        }
    }

    private static void cycles(Worker worker, int count) {
        for (int i = 0; i < count; i++) {
            Leased container = worker.create(worker.standard());
            container.run("/bin/sh", "-c", "echo x > /w/f; sleep 1000 &").assertExit(0);
            container.close();
            container.awaitEnd();
        }
    }

    @Test
    @Timeout(120)
    void shouldHaveNoMoreOfAnythingAfterManyLeases() {
        try (Worker worker = Worker.start("cloister.containers { max = 1, warm = 1 }")) {
            worker.awaitCalm();
            HostState before = HostState.now();
            for (int i = 0; i < CYCLES; i++) {
                try (Leased container = worker.acquire()) {
                    container.run("/bin/true").assertExit(0);
                }
            }
            worker.awaitCalm();
            before.assertUnchanged();
        }
    }

    @Test
    @Timeout(60)
    void shouldLeaveNothingBehindWhenWorkersComeAndGo() {
        HostState before = HostState.now();
        for (int i = 0; i < 3; i++) {
            try (Worker worker = Worker.start()) {
                worker.acquire().run("/bin/true").assertExit(0);
            }
        }
        before.assertUnchanged();
    }
}
