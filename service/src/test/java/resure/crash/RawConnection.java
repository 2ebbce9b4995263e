package resure.crash;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.net.SocketException;
import java.net.URI;
import java.net.http.HttpHeaders;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import resure.contract.Answer;

/**
 * A connection that never tries anything again, so that no answer, half an answer and an answer are
 * told apart. One thread.
 */
final class RawConnection implements AutoCloseable {

  private static final int DEADLINE_MILLIS = 60_000;

  private final int port;
  private final Socket socket;
  private final InputStream in;

  RawConnection(int port) throws IOException {
    this.port = port;
    socket = new Socket(InetAddress.getLoopbackAddress(), port);
    socket.setSoTimeout(DEADLINE_MILLIS);
    socket.setTcpNoDelay(true);
    in = new BufferedInputStream(socket.getInputStream());
  }

  /**
   * Posts a batch; null when the connection ended without a byte of an answer.
   *
   * @throws IOException when an answer began and was cut
   */
  @Nullable Answer post(String path, SentBatch batch) throws IOException {
    byte[] body = batch.body().getBytes(UTF_8);
    String head =
        "POST %s/observations HTTP/1.1\r\nHost: localhost:%d\r\nContent-Type: application/json\r\nIdempotency-Key: %s\r\nContent-Length: %d\r\n\r\n"
            .formatted(path, port, batch.key(), body.length);
    ByteArrayOutputStream request = new ByteArrayOutputStream();
    request.writeBytes(head.getBytes(US_ASCII));
    request.writeBytes(body);
    String status;
    try {
      request.writeTo(socket.getOutputStream());
      status = line();
    } catch (SocketException e) {
      return null;
    }
    if (status.isEmpty()) {
      return null;
    }
    Map<String, List<String>> headers = new TreeMap<>(String.CASE_INSENSITIVE_ORDER);
    for (String line = line(); !line.isEmpty(); line = line()) {
      String[] parts = line.split(": *", 2);
      headers.computeIfAbsent(parts[0], name -> new ArrayList<>()).add(parts[1]);
    }
    int length = Integer.parseInt(headers.get("content-length").getFirst());
    byte[] answered = in.readNBytes(length);
    if (answered.length < length) {
      throw new IOException("cut after " + answered.length + " bytes of " + length);
    }
    Answer answer =
        new Answer(
            Integer.parseInt(status.split(" ", 3)[1]),
            HttpHeaders.of(headers, (name, value) -> true),
            answered);
    ServiceProcess.CONTRACT.check(
        HttpRequest.newBuilder(URI.create("http://localhost:" + port + path + "/observations"))
            .header("Content-Type", "application/json")
            .POST(BodyPublishers.noBody())
            .build(),
        body,
        answer);
    return answer;
  }

  /** A line without its end; empty also when the stream ends before its first byte. */
  private String line() throws IOException {
    ByteArrayOutputStream line = new ByteArrayOutputStream();
    for (int next = in.read(); next != '\n'; next = in.read()) {
      if (next < 0) {
        if (line.size() > 0) {
          throw new IOException("cut in " + line.toString(US_ASCII));
        }
        return "";
      }
      line.write(next);
    }
    return line.toString(US_ASCII).strip();
  }

  @Override
  public void close() throws IOException {
    socket.close();
  }
}
