// SPDX-License-Identifier: Apache-2.0
package io.cloister.it.bench;

/** What Cloister promises, in one place. */
final class Bars {
    /** An execve of /bin/true against vfork, execve and wait of the same. */
    static final Bar EXECVE = Bar.atMost(1.5, 1.3);

    /** What an execve of a program without a C library takes beyond the raw one, in µs. */
    static final Bar EXECVE_OVERHEAD = Bar.atMost(250, 150);

    /** A round trip through init, in µs. */
    static final Bar PING = Bar.atMost(60, 30);

    /** A container from nothing to configured, against the same by hand. */
    static final Bar CREATE = Bar.atMost(2, 1.5);

    /** Emptying a tmpfs of 1,000 files, against umount and mount. */
    static final Bar RESET_FILES = Bar.atMost(1.3);

    /** A reset after a run that left nothing, in µs. */
    static final Bar RESET_NOTHING = Bar.atMost(100);

    /** How much more two containers get done than one. */
    static final Bar PARALLEL = Bar.atLeast(1.6, 1.9);

    /** A full run of /bin/true against vfork, execve and wait of the same. */
    static final Bar RUN = Bar.atMost(1.8);

    /** The slowest runs but one in a hundred, against half of all. */
    static final Bar RUN_TAIL = Bar.atMost(4);

    /** What a file of 1 MiB in and one out add to a run, in µs. */
    static final Bar RUN_FILES = Bar.atMost(1500);

    /** How many runs a second two containers get done, with a reset after each... */
    static final Bar RUN_RATE = Bar.atLeast(1000, 1500);

    /** ... or, on a slower machine, how much more than one container does. */
    static final Bar RUN_PARALLEL = Bar.atLeast(1.6, 1.9);

    /** What a program uses beyond its CPU time limit, at the 99th percentile, in µs. */
    static final Bar CPU_LAG = Bar.atMost(20_000);

    /** What a run from another JVM takes beyond the same within the worker's, in µs. */
    static final Bar CLUSTER_RUN = Bar.atMost(1000);

    /** The throughput of a worker with a remote client against that with a local one. */
    static final Bar CLUSTER_THROUGHPUT = Bar.atLeast(0.9, 1);

    /** How much more the most served of equal tenants may have got than the least served. */
    static final Bar CLUSTER_FAIRNESS = Bar.atMost(1.5);

    /** What a ping through the service takes beyond one in the same process, in µs. */
    static final Bar SERVICE_PING = Bar.atMost(80);

    /** What an execve through the service takes beyond one in the same process, in µs. */
    static final Bar SERVICE_EXECVE = Bar.atMost(120);

    /** Opening 1 MiB through the service against opening nothing: the file is not copied. */
    static final Bar SERVICE_OPEN = Bar.atMost(1.3);

    /** The private memory of an idle init, in KiB. */
    static final Bar INIT_MEMORY = Bar.atMost(64);

    /** What the worker's resident set grows by with each idle container, in KiB. */
    static final Bar WORKER_MEMORY = Bar.atMost(256);

    private Bars() {}
}
