// SPDX-License-Identifier: Apache-2.0
package io.cloister.protocol.service;

import io.cloister.protocol.kryo.ProtocolException;
import io.cloister.protocol.kryo.ProtocolKryo;
import io.cloister.protocol.kryo.WireFormat;
import io.cloister.protocol.message.Failure;
import java.nio.ByteBuffer;
import java.util.OptionalInt;

/**
 * The {@link WireFormat} of the frames: docs/protocol.md, "Between a worker and the service".
 *
 * <p>{@link ClientFrame.Hello} and {@link ServiceFrame.Refused} are always written as version
 * {@link #GREETING_VERSION}, so that two that have no version in common can still tell each other.
 *
 * <p>Thread-safe.
 */
public final class FrameKryo {
    /** Version of the first frame and of the last, in all releases. */
    public static final int GREETING_VERSION = 2;

    private static final WireFormat ALL = format(ProtocolKryo.VERSION);

    private final WireFormat format;
    private final WireFormat greeting;

    /** Writes the newest version. */
    public FrameKryo() {
        this(ProtocolKryo.VERSION);
    }

    /**
     * Writes the version that {@link #negotiate} has found.
     *
     * @param version {@link ProtocolKryo#OLDEST_VERSION} to {@link ProtocolKryo#VERSION}
     * @throws IllegalArgumentException if it is another
     */
    public FrameKryo(int version) {
        this(ALL, version);
    }

    private FrameKryo(WireFormat all, int version) {
        format = all.writing(version);
        greeting = all.writing(GREETING_VERSION);
    }

    /** As a release has it whose newest version is another. */
    static FrameKryo ofRelease(int newest, int version) {
        return new FrameKryo(format(newest), version);
    }

    private static WireFormat format(int newest) {
        return new WireFormat(
                FrameTypes.withProtocol(),
                new WireFormat.Versions(GREETING_VERSION, newest, newest),
                Frame.MAX_BYTES);
    }

    /** What a client of this release says first. */
    public static ClientFrame.Hello hello(String profile) {
        return new ClientFrame.Hello(ProtocolKryo.OLDEST_VERSION, ProtocolKryo.VERSION, profile);
    }

    /** The newest version that the client and this release know, if there is one. */
    public static OptionalInt negotiate(ClientFrame.Hello hello) {
        int version = Math.min(hello.newest(), ProtocolKryo.VERSION);
        return version >= Math.max(hello.oldest(), ProtocolKryo.OLDEST_VERSION)
                ? OptionalInt.of(version)
                : OptionalInt.empty();
    }

    /** The answer to a client for which {@link #negotiate} has found none. */
    public static ServiceFrame.Refused noCommonVersion(ClientFrame.Hello hello) {
        return new ServiceFrame.Refused(
                Failure.of(
                        Failure.Kind.INVALID_REQUEST,
                        "the client knows versions %d to %d of the frames, this service %d to %d: %s"
                                .formatted(
                                        hello.oldest(),
                                        hello.newest(),
                                        ProtocolKryo.OLDEST_VERSION,
                                        ProtocolKryo.VERSION,
                                        hello.newest() < ProtocolKryo.OLDEST_VERSION
                                                ? "upgrade the client"
                                                : "upgrade the service")));
    }

    /**
     * Writes a frame.
     *
     * @throws ProtocolException if it is longer than {@link Frame#MAX_BYTES}
     */
    public byte[] write(Frame frame) throws ProtocolException {
        return formatOf(frame).write(frame);
    }

    /**
     * Writes a frame at the buffer's position, which moves on.
     *
     * @throws ProtocolException if it is longer than {@link Frame#MAX_BYTES} or than the buffer has
     *     room; then the buffer is as it was
     */
    public void write(Frame frame, ByteBuffer into) throws ProtocolException {
        formatOf(frame).write(frame, into);
    }

    private WireFormat formatOf(Frame frame) {
        return frame instanceof ClientFrame.Hello || frame instanceof ServiceFrame.Refused
                ? greeting
                : format;
    }

    /**
     * Reads what a client has sent.
     *
     * @throws ProtocolException whatever else the bytes are; nothing else is thrown for them
     */
    public ClientFrame readClient(byte[] bytes) throws ProtocolException {
        return format.read(bytes, ClientFrame.class);
    }

    /**
     * Reads what a client has sent: all bytes between the buffer's position and its limit, both of
     * which stay.
     *
     * @throws ProtocolException whatever else the bytes are; nothing else is thrown for them
     */
    public ClientFrame readClient(ByteBuffer bytes) throws ProtocolException {
        return format.read(bytes, ClientFrame.class);
    }

    /**
     * Reads what the service has sent.
     *
     * @throws ProtocolException whatever else the bytes are; nothing else is thrown for them
     */
    public ServiceFrame readService(byte[] bytes) throws ProtocolException {
        return format.read(bytes, ServiceFrame.class);
    }

    /**
     * Reads what the service has sent: all bytes between the buffer's position and its limit, both
     * of which stay.
     *
     * @throws ProtocolException whatever else the bytes are; nothing else is thrown for them
     */
    public ServiceFrame readService(ByteBuffer bytes) throws ProtocolException {
        return format.read(bytes, ServiceFrame.class);
    }
}
