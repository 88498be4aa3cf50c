// SPDX-License-Identifier: Apache-2.0
package io.cloister.supervisor.doctor;

import static org.assertj.core.api.Assertions.assertThat;

import io.cloister.nativeio.libc.Errno;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class NamespaceCausesTest {
    @TempDir private Path host;

    @BeforeEach
    void aHostWithUserNamespaces() throws IOException {
        file("/proc/self/ns/user", "");
        file("/proc/sys/user/max_user_namespaces", "96365\n");
        file("/proc/self/status", "Name:\tjava\nSeccomp:\t0\n");
    }

    @Test
    void shouldNameTheSettingThatForbidsUserNamespacesToAll() throws IOException {
        file("/proc/sys/user/max_user_namespaces", "0\n");
        Cause cause = ofRoot().ofUserNamespaces(Errno.ENOSPC);
        assertThat(cause.detail()).contains("user.max_user_namespaces is 0");
        assertThat(cause.remedy()).contains("sysctl -w user.max_user_namespaces=");
    }

    @Test
    void shouldNameTheLimitThatIsReached() {
        assertThat(ofRoot().ofUserNamespaces(Errno.ENOSPC).detail()).contains("96365");
    }

    @Test
    void shouldNameTheSettingThatForbidsThemToOrdinaryUsers() throws IOException {
        file("/proc/sys/kernel/unprivileged_userns_clone", "0\n");
        Cause cause = ofUser().ofUserNamespaces(Errno.EPERM);
        assertThat(cause.detail()).contains("kernel.unprivileged_userns_clone is 0");
        assertThat(ofRoot().ofUserNamespaces(Errno.EPERM).detail())
                .doesNotContain("unprivileged_userns_clone");
    }

    @Test
    void shouldNameAppArmor() throws IOException {
        file("/proc/sys/kernel/apparmor_restrict_unprivileged_userns", "1\n");
        assertThat(ofUser().ofCapabilities("mapping ids", Errno.EPERM).detail())
                .contains("AppArmor")
                .contains("kernel.apparmor_restrict_unprivileged_userns is 1");
    }

    @Test
    void shouldNameTheSeccompFilterOfAnOuterContainer() throws IOException {
        file("/proc/self/status", "Name:\tjava\nSeccomp:\t2\n");
        Cause cause = ofRoot().ofUserNamespaces(Errno.EPERM);
        assertThat(cause.detail()).contains("seccomp filter");
        assertThat(cause.remedy()).contains("seccomp=packaging/container/seccomp.json");
    }

    @Test
    void shouldNameAKernelWithoutUserNamespaces() throws IOException {
        Files.delete(host.resolve("proc/self/ns/user"));
        assertThat(ofRoot().ofUserNamespaces(Errno.EINVAL).detail())
                .isEqualTo("this kernel has no user namespaces");
    }

    @Test
    void shouldNameAChrootIntoAMount() throws IOException {
        String root = "27 1 254:0 / / rw - ext4 /dev/vda rw\n";
        file("/proc/1/mountinfo", root + "99 27 0:50 / /srv/jail rw - tmpfs none rw\n");
        file("/proc/self/mountinfo", "99 27 0:50 / / rw - tmpfs none rw\n");
        assertThat(ofRoot().ofUserNamespaces(Errno.EPERM).detail()).contains("chroot");
    }

    @Test
    void shouldNameAChrootIntoADirectory() throws IOException {
        file("/proc/self/mountinfo", "30 27 0:21 / /proc rw - proc proc rw\n");
        assertThat(ofRoot().ofUserNamespaces(Errno.EPERM).detail()).contains("chroot");
    }

    @Test
    void shouldNotTakeAnotherMountNamespaceForAChroot() throws IOException {
        file("/proc/1/mountinfo", "27 1 254:0 / / rw - ext4 /dev/vda rw\n");
        file("/proc/self/mountinfo", "99 98 0:50 / / rw - overlay overlay rw\n");
        assertThat(ofRoot().ofUserNamespaces(Errno.EPERM).detail()).doesNotContain("chroot");
    }

    @Test
    void shouldNameTheLimitOfAnotherKind() throws IOException {
        file("/proc/sys/user/max_net_namespaces", "7\n");
        assertThat(ofRoot().ofOtherNamespaces("net", Errno.ENOSPC).detail())
                .contains("user.max_net_namespaces (7)");
    }

    @Test
    void shouldNameWhatHidesPartsOfProc() throws IOException {
        file(
                "/proc/self/mountinfo",
                """
                22 27 0:21 / /proc rw,relatime - proc proc rw
                23 22 0:22 / /proc/acpi ro,relatime - tmpfs tmpfs ro
                24 22 0:5 /null /proc/kcore rw - devtmpfs devtmpfs rw
                """);
        Cause cause = ofRoot().ofProc(Errno.EPERM);
        assertThat(cause.detail()).contains("/proc/acpi, /proc/kcore");
        assertThat(cause.remedy()).contains("systempaths=unconfined");
    }

    @Test
    void shouldTellWhetherTheOuterNamespaceHasTheIds() throws IOException {
        file("/proc/self/uid_map", "         0     100000      65536\n");
        assertThat(ofRoot().hasIds(0, 65536)).isTrue();
        assertThat(ofRoot().hasIds(1_073_741_824, 65536)).isFalse();
        file("/proc/self/uid_map", "         0          0 4294967295\n");
        assertThat(ofRoot().hasIds(1_073_741_824, 65536)).isTrue();
    }

    @Test
    void shouldNameTheErrorWhenThereIsNoOtherCause() {
        assertThat(ofRoot().ofUserNamespaces(Errno.EPERM).detail()).contains("EPERM");
    }

    @Test
    void shouldFindIdsThatBelongToOthers() throws IOException {
        file("/etc/passwd", "root:x:0:0::/:\nbob:x:70000:1::/:\nbroken\n");
        file("/etc/subuid", "bob:100000:65536\nbad:x:y\n");
        HostFiles files = new HostFiles(host);
        assertThat(IdRanges.overlaps(files, 65536, 65536))
                .containsExactly(
                        "bob has id 70000 (/etc/passwd)",
                        "bob may use 65536 ids from 100000 (/etc/subuid)");
        assertThat(IdRanges.overlaps(files, 1_073_741_824, 65536)).isEmpty();
    }

    private NamespaceCauses ofRoot() {
        return new NamespaceCauses(new HostFiles(host), true);
    }

    private NamespaceCauses ofUser() {
        return new NamespaceCauses(new HostFiles(host), false);
    }

    private void file(String path, String contents) throws IOException {
        Path file = host.resolve(path.substring(1));
        Files.createDirectories(file.getParent());
        Files.writeString(file, contents);
    }
}
