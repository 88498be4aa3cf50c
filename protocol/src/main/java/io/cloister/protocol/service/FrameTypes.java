// SPDX-License-Identifier: Apache-2.0
package io.cloister.protocol.service;

import io.cloister.protocol.kryo.ProtocolKryo;
import io.cloister.protocol.kryo.WireInput;
import io.cloister.protocol.kryo.WireOutput;
import io.cloister.protocol.kryo.WireType;
import io.cloister.protocol.message.Configured;
import io.cloister.protocol.message.Failure;
import io.cloister.protocol.message.Open;
import io.cloister.protocol.message.Reply;
import io.cloister.protocol.message.Request;
import io.cloister.protocol.message.Standstill;
import java.util.List;
import java.util.stream.Stream;

/**
 * The one list of frames, with their ids and fields in order; what they hold of the protocol's
 * values is in that one's list.
 *
 * <p>The rules are those of {@link ProtocolKryo}, and so is the version. What clients say has 128
 * to 143, what the service says 144 to 159. {@link ClientFrame.Hello} and {@link
 * ServiceFrame.Refused} never get another field: they are written as {@link
 * FrameKryo#GREETING_VERSION} for ever.
 */
final class FrameTypes {
    static final List<WireType<?>> ALL =
            List.of(
                    new WireType<>(
                            128,
                            ClientFrame.Hello.class,
                            (out, hello) ->
                                    out.count(hello.oldest())
                                            .count(hello.newest())
                                            .text(hello.profile()),
                            in -> new ClientFrame.Hello(in.count(), in.count(), in.text())),
                    new WireType<>(
                            129,
                            ClientFrame.Call.class,
                            (out, call) -> out.count(call.serial()).object(call.request()),
                            in -> new ClientFrame.Call(in.count(), in.object(Request.class))),
                    new WireType<>(
                            130,
                            ClientFrame.Proceed.class,
                            (out, proceed) -> out.count(proceed.serial()),
                            in -> new ClientFrame.Proceed(in.count())),
                    new WireType<>(
                            131,
                            ClientFrame.Kill.class,
                            (out, kill) -> out.count(kill.serial()),
                            in -> new ClientFrame.Kill(in.count())),
                    new WireType<>(
                            132,
                            ClientFrame.Look.class,
                            (out, look) -> out.count(look.serial()),
                            in -> new ClientFrame.Look(in.count())),
                    new WireType<>(
                            144,
                            ServiceFrame.Welcome.class,
                            (out, welcome) ->
                                    out.count(welcome.version())
                                            .count(welcome.init())
                                            .value(welcome.configured())
                                            .text(welcome.workDirectory())
                                            .count(welcome.calls()),
                            in ->
                                    new ServiceFrame.Welcome(
                                            in.count(),
                                            in.count(),
                                            in.value(Configured.class),
                                            in.text(),
                                            in.count())),
                    new WireType<>(
                            145,
                            ServiceFrame.Refused.class,
                            (out, refused) -> out.value(refused.failure()),
                            in -> new ServiceFrame.Refused(in.value(Failure.class))),
                    new WireType<>(
                            146,
                            ServiceFrame.Announced.class,
                            (out, announced) ->
                                    out.count(announced.serial()).count(announced.pid()),
                            in -> new ServiceFrame.Announced(in.count(), in.count())),
                    new WireType<>(
                            147,
                            ServiceFrame.Answer.class,
                            (out, answer) -> out.count(answer.serial()).object(answer.reply()),
                            in -> new ServiceFrame.Answer(in.count(), in.object(Reply.class))),
                    new WireType<>(
                            148,
                            ServiceFrame.OpenedFiles.class,
                            (out, opened) ->
                                    out.count(opened.serial())
                                            .list(opened.paths(), WireOutput::text)
                                            .map(opened.errors(), WireOutput::value),
                            in ->
                                    new ServiceFrame.OpenedFiles(
                                            in.count(),
                                            in.list(Frame.MAX_DESCRIPTORS, WireInput::text),
                                            in.map(Open.MAX_FILES, i -> i.value(Failure.class)))),
                    new WireType<>(
                            149,
                            ServiceFrame.Looked.class,
                            (out, looked) ->
                                    out.count(looked.serial())
                                            .optional(looked.standstill(), FrameTypes::standstill),
                            in ->
                                    new ServiceFrame.Looked(
                                            in.count(), in.optional(FrameTypes::standstill))));

    private FrameTypes() {}

    private static void standstill(WireOutput out, Standstill standstill) {
        out.flag(standstill.inPipe()).signed(standstill.fingerprint());
    }

    private static Standstill standstill(WireInput in) {
        return new Standstill(in.flag(), in.signed());
    }

    /** The frames, and what of the protocol is in them. */
    static List<WireType<?>> withProtocol() {
        return Stream.concat(ALL.stream(), ProtocolKryo.types().stream()).toList();
    }
}
