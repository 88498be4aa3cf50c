// SPDX-License-Identifier: Apache-2.0
package io.cloister.it;

import static org.assertj.core.api.Assertions.assertThat;

import io.cloister.protocol.message.ExecveReply;
import io.cloister.protocol.message.ExecveResult;
import io.cloister.protocol.message.Failure;
import io.cloister.protocol.run.Termination;
import java.nio.charset.StandardCharsets;

/** What came of a run, with what it wrote to its standard streams. */
@SuppressWarnings("ArrayRecordComponent") // never compared
public record Ran(ExecveReply reply, byte[] out, byte[] err) {

    public ExecveResult result() {
        assertThat(reply).as(stderr()).isInstanceOf(ExecveResult.class);
        return (ExecveResult) reply;
    }

    public Failure failure() {
        assertThat(reply).isInstanceOf(Failure.class);
        return (Failure) reply;
    }

    /** Asserts that it ended by itself with this code. */
    public Ran assertExit(int code) {
        assertThat(result().termination())
                .as("stdout %s, stderr %s", stdout(), stderr())
                .isEqualTo(new Termination.Exited(code));
        return this;
    }

    /** Asserts that this signal ended it. */
    public Ran assertSignal(String name) {
        assertThat(result().termination())
                .as("stdout %s, stderr %s", stdout(), stderr())
                .isInstanceOfSatisfying(
                        Termination.Signalled.class,
                        signalled -> assertThat(signalled.signalName()).isEqualTo(name));
        return this;
    }

    /** Asserts that the program was not run, for a reason of this kind. */
    public Failure assertFailure(Failure.Kind kind) {
        assertThat(failure().kind()).as(failure().describe()).isEqualTo(kind);
        return failure();
    }

    public String stdout() {
        return new String(out, StandardCharsets.UTF_8);
    }

    public String stderr() {
        return new String(err, StandardCharsets.UTF_8);
    }
}
