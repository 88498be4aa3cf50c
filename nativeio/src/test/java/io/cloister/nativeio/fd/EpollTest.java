// SPDX-License-Identifier: Apache-2.0
package io.cloister.nativeio.fd;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.cloister.nativeio.libc.Linux;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class EpollTest {
    private static final byte[] BYTE = {1};
    private static final long BIG_TOKEN = 0x1122_3344_5566_7788L;

    @Test
    void shouldTellWhichDescriptorsAreReady() throws Exception {
        try (Epoll epoll = Epoll.open("test");
                Pipe one = Pipe.open("one");
                Pipe two = Pipe.open("two")) {
            epoll.add(one.readEnd(), Linux.EPOLLIN, 7);
            epoll.add(two.readEnd(), Linux.EPOLLIN, BIG_TOKEN);
            two.writeEnd().write(BYTE);
            assertThat(epoll.await()).isEqualTo(1);
            assertThat(epoll.token(0)).isEqualTo(BIG_TOKEN);
            assertThat(epoll.events(0)).isEqualTo(Linux.EPOLLIN);
            one.writeEnd().write(BYTE);
            assertThat(epoll.await()).isEqualTo(2);
            assertThat(List.of(epoll.token(0), epoll.token(1)))
                    .containsExactlyInAnyOrder(7L, BIG_TOKEN);
        }
    }

    @Test
    void shouldLookWithoutWaiting() throws Exception {
        try (Epoll epoll = Epoll.open("test");
                EventFd event = EventFd.open("event")) {
            epoll.add(event.fd(), Linux.EPOLLIN, 7);
            assertThat(epoll.look()).isZero();
            event.signal();
            event.signal();
            assertThat(epoll.look()).isEqualTo(1);
            assertThat(epoll.token(0)).isEqualTo(7);
            event.clear();
            event.clear();
            assertThat(epoll.look()).isZero();
        }
    }

    @Test
    void shouldTellOnlyOfWhatIsWantedAndOfTheEnd() throws Exception {
        try (Epoll epoll = Epoll.open("test");
                Pipe one = Pipe.open("one");
                Pipe two = Pipe.open("two")) {
            epoll.add(one.readEnd(), Linux.EPOLLIN, 1);
            epoll.add(two.readEnd(), Linux.EPOLLIN, 2);
            one.writeEnd().write(BYTE);
            two.writeEnd().write(BYTE);
            epoll.modify(one.readEnd(), 0, 3);
            assertThat(epoll.await()).isEqualTo(1);
            assertThat(epoll.token(0)).isEqualTo(2);
            epoll.remove(two.readEnd());
            one.writeEnd().close();
            assertThat(epoll.await()).isEqualTo(1);
            assertThat(epoll.token(0)).isEqualTo(3);
            assertThat(epoll.events(0)).isEqualTo(Linux.EPOLLHUP);
            assertThatThrownBy(() -> epoll.remove(two.readEnd()))
                    .isInstanceOf(SystemCallException.class)
                    .hasMessageContaining("ENOENT");
        }
    }

    @Test
    void shouldTellOfMoreThanItCanAtOnce() throws Exception {
        List<Pipe> pipes = new ArrayList<>();
        try (Epoll epoll = Epoll.open("test")) {
            for (int i = 0; i < 200; i++) {
                Pipe pipe = Pipe.open("one of many");
                pipes.add(pipe);
                epoll.add(pipe.readEnd(), Linux.EPOLLIN, i);
                pipe.writeEnd().write(BYTE);
            }
            int told = 0;
            while (told < pipes.size()) {
                int n = epoll.await();
                for (int i = 0; i < n; i++) {
                    epoll.remove(pipes.get((int) epoll.token(i)).readEnd());
                }
                told += n;
            }
            assertThat(told).isEqualTo(200);
        } finally {
            pipes.forEach(Pipe::close);
        }
    }
}
