// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.container;

import akka.actor.typed.ActorRef;
import akka.actor.typed.Behavior;
import akka.actor.typed.javadsl.Behaviors;
import io.cloister.nativeio.init.InitChannel;
import io.cloister.nativeio.program.SyscallProgram;
import java.io.IOException;

/** Writes programs and descriptors to init's socket; nobody else does. */
final class Sender {
    /**
     * Send this program.
     *
     * @param sent run when it is on its way or never will be: its descriptors may be closed
     */
    record Send(int serial, SyscallProgram program, Runnable sent) {}

    private Sender() {}

    static Behavior<Send> create(InitChannel channel, ActorRef<Container.Command> router) {
        return Behaviors.receiveMessage(send -> {
            try {
                channel.send(send.serial(), send.program());
            } catch (IOException e) {
                router.tell(new Container.Lost("cannot send to init: " + e.getMessage()));
            } finally {
                send.sent().run();
            }
            return Behaviors.same();
        });
    }
}
