// SPDX-License-Identifier: Apache-2.0
package io.cloister.it;

import static org.assertj.core.api.Assertions.assertThat;

import akka.actor.AddressFromURIString;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.net.SocketException;
import java.net.SocketTimeoutException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.security.KeyFactory;
import java.security.KeyStore;
import java.security.PrivateKey;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLException;
import javax.net.ssl.TrustManagerFactory;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * Who has the right certificate is a member of the cluster; who has none, or a wrong one, can
 * neither join nor send a message nor be sent one. Each node is a JVM.
 */
@Tag("beside")
@Timeout(180)
class TlsTest {
    private static final String PLAIN = "akka.remote.artery.transport = tcp";

    /** A record of TLS that says why a connection ends, as somebody without TLS gets it. */
    private static final int MAX_ALERT = 7;

    /** Warnings too, which the tests' logging leaves out. */
    private static final String LOGGING =
            """
            akka {
              use-slf4j = off
              loggers = [ "akka.event.Logging$DefaultLogger" ]
              logging-filter = "akka.event.DefaultLoggingFilter"
              loglevel = WARNING
            }
            """;

    @TempDir static Path directory;

    private static ChildJvm first;
    private static ChildJvm second;
    private static String firstAddress;
    private static String secondAddress;

    private static int marks;

    @BeforeAll
    static void formACluster() throws Exception {
        makeCertificates("good", Map.of(), "first", "second");
        first = start(tls("good", "first"));
        second = start(tls("good", "second"));
        firstAddress = first.ask("address");
        secondAddress = second.ask("address");
        first.ask("join " + firstAddress);
        second.ask("join " + firstAddress);
        assertThat(first.ask("members 2")).isEqualTo("members 2");
        assertThat(second.ask("members 2")).isEqualTo("members 2");
    }

    @AfterAll
    static void stop() {
        for (ChildJvm node : new ChildJvm[] {first, second}) {
            if (node != null) {
                node.close();
            }
        }
    }

    /** Has the script that the documentation names make certificates, in a directory. */
    private static void makeCertificates(
            String authority, Map<String, String> environment, String... nodes) throws Exception {
        Path script = Path.of("src/test/tls/make-test-certificates.sh").toAbsolutePath();
        List<String> command = new ArrayList<>();
        command.add(script.toString());
        command.add(directory.resolve(authority).toString());
        command.addAll(List.of(nodes));
        ProcessBuilder builder =
                new ProcessBuilder(command)
                        .redirectErrorStream(true)
                        .redirectOutput(directory.resolve("script.log").toFile());
        builder.environment().putAll(environment);
        Process process = builder.start();
        assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
        assertThat(process.exitValue())
                .as(Files.readString(directory.resolve("script.log")))
                .isZero();
    }

    private static String tls(String authority, String node) {
        return """
        include classpath("cloister-cluster-tls.conf")
        akka.remote.artery.ssl.rotating-keys-engine.secret-mount-point = "%s"
        """
                .formatted(directory.resolve(authority).resolve(node));
    }

    private static ChildJvm start(String transport) throws Exception {
        ChildJvm node =
                ChildJvm.start(
                        TlsNode.class,
                        directory,
                        Optional.empty(),
                        List.of(
                                "akka.actor.provider = cluster",
                                "akka.remote.artery.canonical { hostname = \"127.0.0.1\", port = 0 }",
                                "akka.cluster.jmx.enabled = off",
                                LOGGING,
                                transport));
        assertThat(node.listen()).as("%s", transport).isEqualTo("started");
        return node;
    }

    /** The members go on talking, and nothing else than what they said has arrived. */
    private static void expectOnlyMembersToBeHeard() throws Exception {
        String mark = "mark-" + ++marks;
        assertThat(second.ask("send " + firstAddress + " " + mark)).isEqualTo("sent");
        assertThat(first.ask("await " + mark)).isEqualTo("received " + mark);
        assertThat(first.ask("send " + secondAddress + " " + mark)).isEqualTo("sent");
        assertThat(second.ask("await " + mark)).isEqualTo("received " + mark);
        for (ChildJvm member : List.of(first, second)) {
            assertThat(member.ask("received")).doesNotContain("intruder");
            assertThat(member.ask("members 2")).isEqualTo("members 2");
        }
    }

    /**
     * @param why a member does not talk to it, as its log says
     */
    private static void expectToBeKeptOut(String transport, String why) throws Exception {
        try (ChildJvm intruder = start(transport)) {
            String address = intruder.ask("address");
            intruder.ask("join " + firstAddress);
            intruder.ask("send " + firstAddress + " intruder");
            intruder.ask("send " + secondAddress + " intruder");
            first.ask("send " + address + " secret");
            Waiting.until(() ->
                    assertThat(first.log())
                            .containsPattern(
                                    Pattern.quote("[outbound connection to [" + address)
                                            + ".*failed.*"
                                            + why));
            if (!transport.equals(PLAIN)) { // whose connection just ends
                Waiting.until(() ->
                        assertThat(intruder.log())
                                .containsPattern(
                                        Pattern.quote("[outbound connection to [" + firstAddress)
                                                + ".*failed.*"));
            }

            expectOnlyMembersToBeHeard();
            assertThat(intruder.ask("received")).isEqualTo("[]");
        }
    }

    @Test
    void shouldLetMembersTalk() throws Exception {
        expectOnlyMembersToBeHeard();
    }

    @Test
    void shouldAdmitANodeThatComesLater() throws Exception {
        makeCertificates("good", Map.of(), "third");
        try (ChildJvm third = start(tls("good", "third"))) {
            third.ask("send " + firstAddress + " hello");
            assertThat(first.ask("await hello")).isEqualTo("received hello");
        }
    }

    @Test
    void shouldKeepOutANodeWithoutTls() throws Exception {
        expectToBeKeptOut(PLAIN, "");
    }

    @Test
    void shouldKeepOutANodeOfAnotherAuthority() throws Exception {
        makeCertificates("other", Map.of(), "stranger");
        // It trusts the members, who do not trust it.
        Files.copy(
                directory.resolve("good/ca.crt"),
                directory.resolve("other/stranger/ca.crt"),
                StandardCopyOption.REPLACE_EXISTING);
        expectToBeKeptOut(tls("other", "stranger"), "trust anchors");
    }

    @Test
    void shouldKeepOutANodeWhoseCertificateHasExpired() throws Exception {
        makeCertificates("good", Map.of("DAYS", "-1"), "expired");
        expectToBeKeptOut(tls("good", "expired"), "validity check failed");
    }

    @Test
    void shouldKeepOutANodeOfAnotherClusterOfTheSameAuthority() throws Exception {
        makeCertificates("good", Map.of("CLUSTER", "billing"), "neighbour");
        expectToBeKeptOut(tls("good", "neighbour"), "local subject names");
    }

    @Test
    void shouldHangUpOnClientsOfTheirOwnMakingWithoutTheRightCertificate() throws Exception {
        makeCertificates("good", Map.of(), "own");
        makeCertificates("good", Map.of("CLUSTER", "billing"), "own-billing");
        makeCertificates("good", Map.of("DAYS", "-1"), "own-expired");
        makeCertificates("other", Map.of(), "own");

        assertThat(hangsUp(socket())).as("no TLS").isTrue();
        assertThat(hangsUp(tlsSocket(Optional.empty()))).as("no certificate").isTrue();
        for (String wrong : List.of("good/own-billing", "good/own-expired", "other/own")) {
            assertThat(hangsUp(tlsSocket(Optional.of(wrong)))).as(wrong).isTrue();
        }
        assertThat(hangsUp(tlsSocket(Optional.of("good/own")))).as("the right one").isFalse();
        expectOnlyMembersToBeHeard();
    }

    /** Whether a member ends the connection to somebody who begins to speak its protocol. */
    private static boolean hangsUp(Socket client) throws IOException {
        try (Socket socket = client) {
            socket.setSoTimeout(2000);
            OutputStream out = socket.getOutputStream();
            out.write("AKKA\1".getBytes(StandardCharsets.US_ASCII)); // and the control stream
            out.flush();
            InputStream in = socket.getInputStream();
            return in.readAllBytes().length <= MAX_ALERT;
        } catch (SocketTimeoutException stillListening) {
            return false;
        } catch (SSLException | SocketException refused) {
            return true;
        }
    }

    private static Socket socket() throws IOException {
        return new Socket(
                InetAddress.getLoopbackAddress(),
                (int) AddressFromURIString.parse(firstAddress).port().get());
    }

    private static Socket tlsSocket(Optional<String> own) throws Exception {
        KeyStore keys = KeyStore.getInstance(KeyStore.getDefaultType());
        keys.load(null, null);
        Certificate authority = certificate("good/ca.crt");
        keys.setCertificateEntry("authority", authority);
        if (own.isPresent()) {
            keys.setKeyEntry(
                    "own",
                    key(own.get() + "/tls.key"),
                    new char[0],
                    new Certificate[] {certificate(own.get() + "/tls.crt")});
        }
        TrustManagerFactory trust =
                TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        trust.init(keys);
        KeyManagerFactory shown =
                KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
        shown.init(keys, new char[0]);
        SSLContext context = SSLContext.getInstance("TLSv1.3");
        context.init(shown.getKeyManagers(), trust.getTrustManagers(), null);
        Socket plain = socket();
        return context.getSocketFactory().createSocket(plain, "127.0.0.1", plain.getPort(), true);
    }

    private static Certificate certificate(String file) throws Exception {
        try (InputStream in = Files.newInputStream(directory.resolve(file))) {
            return CertificateFactory.getInstance("X.509").generateCertificate(in);
        }
    }

    private static PrivateKey key(String file) throws Exception {
        String pem = Files.readString(directory.resolve(file));
        byte[] der = Base64.getMimeDecoder().decode(pem.replaceAll("-----[A-Z ]+-----", ""));
        return KeyFactory.getInstance("RSA").generatePrivate(new PKCS8EncodedKeySpec(der));
    }
}
