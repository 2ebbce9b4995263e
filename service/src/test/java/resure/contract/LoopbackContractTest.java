package resure.contract;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.Socket;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Without credentials everybody on this machine may call, but no page that its browsers show. */
class LoopbackContractTest {

  @Test
  void withoutCredentialsOnlyThisMachineUnderItsOwnNameAndNoForeignPage() throws IOException {
    try (LiveService open = LiveService.start()) {
      for (int port : List.of(open.port(), open.managementPort())) {
        String path = port == open.port() ? "/v1/runs" : "/actuator/prometheus";
        for (String host : List.of("localhost", "127.0.0.1", "[::1]", "LOCALHOST")) {
          assertThat(raw(port, path, host + ":" + port, null)).isEqualTo(200);
        }
        for (String host : List.of("evil.example", "evil.example:" + port, "127.0.0.1.evil")) {
          assertThat(raw(port, path, host, null)).as(host).isEqualTo(403);
        }
        String own = "localhost:" + port;
        assertThat(raw(port, path, own, "http://" + own)).isEqualTo(200);
        for (String origin : List.of("http://evil.example", "null", "http://localhost:1")) {
          assertThat(raw(port, path, own, origin)).as(origin).isEqualTo(403);
        }
      }
    }
  }

  /** The status of a GET with headers that a client would not send by itself. */
  private static int raw(int port, String path, String host, String origin) throws IOException {
    try (Socket socket = new Socket("127.0.0.1", port)) {
      String request =
          "GET %s HTTP/1.1\r\nHost: %s\r\n%sConnection: close\r\n\r\n"
              .formatted(path, host, origin == null ? "" : "Origin: " + origin + "\r\n");
      socket.getOutputStream().write(request.getBytes(US_ASCII));
      String status = new String(socket.getInputStream().readNBytes(12), US_ASCII);
      return Integer.parseInt(status.substring(9));
    }
  }
}
