package resure.contract;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static java.util.concurrent.TimeUnit.SECONDS;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.io.InputStream;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.security.KeyStore;
import java.time.Duration;
import java.util.Base64;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLHandshakeException;
import javax.net.ssl.TrustManagerFactory;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Over TLS: both ports, HTTP/2, and a certificate that is renewed while the service runs. */
class TlsContractTest {

  private static final char[] PASSWORD = "changeit".toCharArray();
  private static final String BATCH = "{\"dialogues\":[{\"id\":\"d\",\"losses\":[1]}]}";

  @TempDir private Path directory;
  private LiveService live;

  @BeforeEach
  void start() throws Exception {
    put(certificate("first", 30));
    String bundle = "spring.ssl.bundle.pem.server.";
    live =
        LiveService.start(
            bundle + "keystore.certificate=file:" + directory.resolve("tls.crt"),
            bundle + "keystore.private-key=file:" + directory.resolve("tls.key"),
            bundle + "reload-on-update=true",
            "spring.ssl.bundle.watch.file.quiet-period=100ms",
            "server.ssl.bundle=server",
            "server.http2.enabled=true",
            "management.server.ssl.bundle=server");
  }

  @AfterEach
  void stop() {
    live.close();
  }

  /** A key with a certificate of its own, as the JDK's tool makes them. */
  private KeyStore certificate(String name, int days) throws Exception {
    Path file = directory.resolve(name + ".p12");
    Process keytool =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "keytool").toString(),
                "-genkeypair",
                "-alias",
                "server",
                "-keyalg",
                "EC",
                "-dname",
                "CN=" + name,
                "-ext",
                "san=dns:localhost,ip:127.0.0.1",
                "-validity",
                Integer.toString(days),
                "-keystore",
                file.toString(),
                "-storetype",
                "PKCS12",
                "-storepass",
                new String(PASSWORD))
            .redirectErrorStream(true)
            .start();
    String said = new String(keytool.getInputStream().readAllBytes(), US_ASCII);
    assertThat(keytool.waitFor()).as(said).isZero();
    KeyStore store = KeyStore.getInstance("PKCS12");
    try (InputStream in = Files.newInputStream(file)) {
      store.load(in, PASSWORD);
    }
    return store;
  }

  /** Puts it where the service looks, as one who renews certificates does. */
  private void put(KeyStore store) throws Exception {
    write("tls.key", "PRIVATE KEY", store.getKey("server", PASSWORD).getEncoded());
    write("tls.crt", "CERTIFICATE", store.getCertificate("server").getEncoded());
  }

  private void write(String name, String what, byte[] bytes) throws IOException {
    Path next = directory.resolve(name + ".next");
    Files.writeString(
        next,
        "-----BEGIN %s-----\n%s\n-----END %s-----\n"
            .formatted(what, Base64.getMimeEncoder().encodeToString(bytes), what));
    Files.move(next, directory.resolve(name), StandardCopyOption.REPLACE_EXISTING);
  }

  private static HttpClient trusting(KeyStore store) throws Exception {
    KeyStore trusted = KeyStore.getInstance("PKCS12");
    trusted.load(null, null);
    trusted.setCertificateEntry("server", store.getCertificate("server"));
    TrustManagerFactory factory =
        TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
    factory.init(trusted);
    SSLContext context = SSLContext.getInstance("TLS");
    context.init(null, factory.getTrustManagers(), null);
    return HttpClient.newBuilder()
        .sslContext(context)
        .connectTimeout(Duration.ofSeconds(20))
        .build();
  }

  private KeyStore current(String name) throws Exception {
    KeyStore store = KeyStore.getInstance("PKCS12");
    try (InputStream in = Files.newInputStream(directory.resolve(name + ".p12"))) {
      store.load(in, PASSWORD);
    }
    return store;
  }

  private static HttpResponse<String> call(
      HttpClient client, String method, int port, String path, String body) throws Exception {
    return client.send(
        HttpRequest.newBuilder(URI.create("https://localhost:" + port + path))
            .timeout(Duration.ofSeconds(20))
            .header("Content-Type", "application/json")
            .method(method, BodyPublishers.ofString(body))
            .build(),
        BodyHandlers.ofString());
  }

  private double secondsToExpiry(HttpClient client) throws Exception {
    return call(client, "GET", live.managementPort(), "/actuator/prometheus", "")
        .body()
        .lines()
        .filter(line -> line.startsWith("ssl_chain_expiry_seconds{"))
        .filter(line -> line.contains("bundle=\"server\""))
        .mapToDouble(line -> Double.parseDouble(line.substring(line.lastIndexOf(' '))))
        .findAny()
        .orElseThrow();
  }

  @Test
  void bothPortsSpeakTlsAndARenewedCertificateIsTakenWithoutAStart() throws Exception {
    try (HttpClient client = trusting(current("first"))) {
      HttpResponse<String> created = call(client, "PUT", live.port(), "/v1/runs/a", "{}");
      assertThat(created.statusCode()).isEqualTo(201);
      assertThat(created.version()).isEqualTo(HttpClient.Version.HTTP_2);
      HttpResponse<String> scored =
          call(client, "POST", live.port(), "/v1/runs/a/observations", BATCH);
      assertThat(scored.body()).contains("\"weights\":[[1.0]]");
      assertThat(
              call(client, "GET", live.managementPort(), "/actuator/health/readiness", "")
                  .statusCode())
          .isEqualTo(200);
      assertThat(secondsToExpiry(client))
          .as("what the alert of a certificate looks at")
          .isBetween(29 * 86_400.0, 30 * 86_400.0);
    }
    try (Socket plain = new Socket("127.0.0.1", live.port())) {
      plain.setSoTimeout(20_000);
      plain
          .getOutputStream()
          .write("GET /v1/runs HTTP/1.1\r\nHost: localhost\r\n\r\n".getBytes(US_ASCII));
      assertThat(new String(plain.getInputStream().readAllBytes(), US_ASCII))
          .as("nothing is said in plain text")
          .doesNotContain("HTTP/1.1 200");
    }

    KeyStore second = certificate("second", 90);
    try (HttpClient early = trusting(second)) {
      assertThatThrownBy(() -> call(early, "GET", live.port(), "/v1/runs", ""))
          .isInstanceOf(SSLHandshakeException.class);
    }
    put(second);
    for (int port : new int[] {live.port(), live.managementPort()}) {
      await()
          .atMost(60, SECONDS)
          .ignoreException(SSLHandshakeException.class)
          .until(
              () -> {
                try (HttpClient client = trusting(second)) {
                  return call(
                              client,
                              "GET",
                              port,
                              port == live.port() ? "/v1/runs" : "/actuator/health",
                              "")
                          .statusCode()
                      == 200;
                }
              });
    }
    try (HttpClient client = trusting(second)) {
      await().atMost(60, SECONDS).until(() -> secondsToExpiry(client) > 80 * 86_400.0);
      assertThat(call(client, "GET", live.port(), "/v1/runs/a", "").body())
          .contains("\"sequence\":2");
    }
  }
}
