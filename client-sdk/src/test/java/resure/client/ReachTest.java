package resure.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;
import static resure.client.Scripted.BATCH;
import static resure.client.Scripted.CBOR;
import static resure.client.Scripted.DEADLINE;
import static resure.client.Scripted.SCORES;
import static resure.client.Scripted.fails;
import static resure.client.Scripted.good;
import static resure.client.Scripted.problem;
import static resure.client.Scripted.to;

import com.sun.net.httpserver.HttpsConfigurator;
import com.sun.net.httpserver.HttpsServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.net.URI;
import java.net.http.HttpClient;
import java.nio.file.Path;
import java.security.KeyStore;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Addresses where nobody answers as the service would. */
@Timeout(60)
@SuppressWarnings("try") // what closing does is looked at before the end
class ReachTest {

  @BeforeEach
  void warmUp() throws IOException {
    Scripted.warmUp();
  }

  @AfterEach
  void nothingIsLeft() {
    Scripted.noThreadIsLeft();
  }

  @Test
  void aServerWithoutTlsIsNotSecure() throws Exception {
    try (BadServer server = good();
        ResureClient client =
            to(server)
                .address(URI.create("https://127.0.0.1:" + server.address().getPort()))
                .build()) {
      // Its script waits for an empty line, which the hello may lack: then it is the deadline.
      assertThat(fails(client, c -> c.score("run", BATCH, "key")))
          .isInstanceOf(UnavailableException.class);
      await().until(() -> server.open() == 0);
    }
  }

  @Test
  void aNameThatCannotBeResolvedIsSaid() {
    try (ResureClient client =
        ResureClient.builder()
            .address(URI.create("http://nobody.invalid:8080"))
            .deadline(DEADLINE)
            .build()) {
      assertThat(fails(client, ResureClient::compute)).isInstanceOf(UnavailableException.class);
    }
  }

  @Test
  void nobodyListeningIsSaid() throws Exception {
    int port;
    try (ServerSocket free = new ServerSocket(0)) {
      port = free.getLocalPort();
    }
    try (ResureClient client =
        ResureClient.builder()
            .address(URI.create("http://127.0.0.1:" + port))
            .deadline(DEADLINE)
            .build()) {
      assertThat(fails(client, ResureClient::compute))
          .isInstanceOf(UnavailableException.class)
          .hasMessageContaining("start the service");
    }
  }

  @Test
  void aConnectionThatNobodyTakesUpIsGivenUp() throws Exception {
    List<Socket> queue = new ArrayList<>();
    try (ServerSocket full = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      try {
        for (int i = 0; i < 100; i++) {
          Socket socket = new Socket();
          queue.add(socket);
          socket.connect(new InetSocketAddress(full.getInetAddress(), full.getLocalPort()), 300);
        }
      } catch (SocketTimeoutException e) {
        // The queue is full: from here on nobody answers.
      }
      try (BadServer server = good();
          ResureClient client =
              ResureClient.builder()
                  .address(URI.create("http://127.0.0.1:" + full.getLocalPort()))
                  .deadline(DEADLINE)
                  .build();
          ResureClient other =
              to(server)
                  .address(URI.create("http://127.0.0.1:" + full.getLocalPort()), server.address())
                  .deadline(Duration.ofSeconds(4))
                  .build()) {
        assertThat(fails(client, c -> c.score("run", BATCH, "key")))
            .isInstanceOf(UnavailableException.class);
        assertThat(other.score("run", BATCH, "key").sequence())
            .as("the other address is tried in time")
            .isEqualTo(2);
      }
    } finally {
      for (Socket socket : queue) {
        socket.close();
      }
    }
  }

  @Test
  void theOtherAddressIsUsedAndKept() throws Exception {
    try (BadServer broken =
            new BadServer(
                (request, out) ->
                    BadServer.whole(out, 503, Reply.PROBLEM, problem(503, "store-unavailable")));
        BadServer server = good();
        ResureClient client = to(broken, server).deadline(Duration.ofSeconds(20)).build()) {
      client.score("run", BATCH, "key");
      client.score("run", BATCH, "key");

      assertThat(broken.requests()).hasSize(1);
      assertThat(server.requests()).hasSize(2);
    }
  }

  @Test
  void aCertificateThatIsNotTrustedIsSaidAndOneThatIsWillDo(@TempDir Path directory)
      throws Exception {
    SSLContext secure = secure(directory);
    HttpsServer server = HttpsServer.create(new InetSocketAddress("127.0.0.1", 0), 0);
    server.setHttpsConfigurator(new HttpsConfigurator(secure));
    server.createContext(
        "/",
        exchange -> {
          exchange.getRequestBody().readAllBytes();
          exchange.getResponseHeaders().add("Content-Type", CBOR);
          exchange.sendResponseHeaders(200, SCORES.length);
          exchange.getResponseBody().write(SCORES);
          exchange.close();
        });
    server.start();
    URI address = URI.create("https://127.0.0.1:" + server.getAddress().getPort());
    ResureClient.Builder builder =
        ResureClient.builder().address(address).deadline(Duration.ofSeconds(10));
    try (ResureClient stranger = builder.build();
        ResureClient friend =
            builder.httpClient(HttpClient.newBuilder().sslContext(secure)).build()) {
      assertThatThrownBy(
              () -> stranger.post("run", "key", BATCH, false, Duration.ofSeconds(10)).get())
          .cause()
          .isInstanceOf(UnavailableException.class)
          .hasMessageContaining("certificate");
      assertThat(friend.score("run", BATCH, "key").sequence()).isEqualTo(2);
    } finally {
      server.stop(0);
    }
  }

  /** Speaks for 127.0.0.1 by a certificate of its own making, and trusts that alone. */
  private static SSLContext secure(Path directory) throws Exception {
    Path file = directory.resolve("keys.p12");
    char[] password = "password".toCharArray();
    Process keytool =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "keytool").toString(),
                "-genkeypair",
                "-alias",
                "key",
                "-keyalg",
                "EC",
                "-dname",
                "CN=127.0.0.1",
                "-ext",
                "san=ip:127.0.0.1",
                "-storetype",
                "PKCS12",
                "-storepass",
                "password",
                "-keystore",
                file.toString())
            .inheritIO()
            .start();
    assertThat(keytool.waitFor()).isZero();
    KeyStore keys = KeyStore.getInstance(file.toFile(), password);
    KeyManagerFactory own = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
    own.init(keys, password);
    TrustManagerFactory trusted =
        TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
    trusted.init(keys);
    SSLContext context = SSLContext.getInstance("TLS");
    context.init(own.getKeyManagers(), trusted.getTrustManagers(), null);
    return context;
  }
}
