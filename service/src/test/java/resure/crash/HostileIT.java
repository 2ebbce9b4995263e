package resure.crash;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.zip.Deflater;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import resure.contract.Answer;

/**
 * A client that means ill, against the packaged service in a heap of 256 MB: whatever it sends, it
 * gets a problem or is cut off, nothing is recorded, and a client that means well is served
 * meanwhile. {@code bench hostile} says how fast.
 */
@Timeout(value = 5, unit = TimeUnit.MINUTES)
class HostileIT {

  private static final int MIB = 1 << 20;
  private static final String BATCH = "{\"dialogues\":[{\"id\":\"d\",\"losses\":[1.5,2]}]}";
  private static final Pattern PEAK = Pattern.compile("VmHWM:\\s+(\\d+) kB");

  @TempDir private static Path temporary;
  private static ServiceProcess service;
  private static String before;

  @BeforeAll
  static void start() throws IOException {
    service =
        ServiceProcess.start(
            temporary.resolve("state"), Map.of(), "server.netty.idle-timeout=1500ms");
    assertThat(service.send("PUT", "/v1/runs/r", "{}").status()).isEqualTo(201);
    assertThat(service.send("POST", "/v1/runs/r/observations", BATCH).status()).isEqualTo(200);
    before = statistics();
  }

  private static String statistics() {
    return service.get("/v1/runs/r/statistics").text();
  }

  @AfterEach
  void nothingWasRecordedAndOthersAreServed() {
    assertThat(statistics()).isEqualTo(before);
    Answer answer = service.send("POST", "/v1/runs/absent/observations", BATCH);
    assertThat(answer).isNotNull();
    assertThat(answer.outcome()).isEqualTo("404 unknown-run");
  }

  @AfterAll
  static void itStayedWithinItsMemoryAndSaidLittle() throws IOException {
    try (ServiceProcess last = service) {
      String said = last.said();
      assertThat(said).doesNotContain("OutOfMemory", "ERROR", "LEAK", "\tat ");
      assertThat(said.lines()).hasSizeLessThan(60);
      Matcher peak = PEAK.matcher(Files.readString(Path.of("/proc/" + last.pid() + "/status")));
      assertThat(peak.find()).isTrue();
      long mib = Long.parseLong(peak.group(1)) / 1024;
      System.out.println("hostile client: at most " + mib + " MiB resident");
      assertThat(mib).isLessThan(768);
    }
  }

  private static Socket connect() throws IOException {
    Socket socket = new Socket(InetAddress.getLoopbackAddress(), service.port());
    socket.setSoTimeout(10_000);
    return socket;
  }

  private static byte[] head(String request, String... headers) {
    StringBuilder head = new StringBuilder(request).append(" HTTP/1.1\r\nHost: localhost\r\n");
    for (String header : headers) {
      head.append(header).append("\r\n");
    }
    return head.append("\r\n").toString().getBytes(ISO_8859_1);
  }

  private static byte[] post(String... headers) {
    String[] all = Arrays.copyOf(headers, headers.length + 1);
    all[headers.length] = "Content-Type: application/json";
    return head("POST /v1/runs/r/observations", all);
  }

  /**
   * What comes back until the connection ends, as Latin-1; fails where it does not end by itself.
   */
  private static String answer(Socket socket) throws IOException {
    ByteArrayOutputStream all = new ByteArrayOutputStream();
    InputStream in = socket.getInputStream();
    try {
      in.transferTo(all);
    } catch (SocketTimeoutException e) {
      throw new AssertionError("the connection stays open after " + all, e);
    } catch (IOException e) {
      // Reset: what it said before counts.
      return all.toString(ISO_8859_1);
    }
    return all.toString(ISO_8859_1);
  }

  private static String answer(byte[]... request) throws IOException {
    try (Socket socket = connect()) {
      try {
        for (byte[] part : request) {
          socket.getOutputStream().write(part);
        }
      } catch (IOException e) {
        // Cut off while it spoke.
      }
      return answer(socket);
    }
  }

  /** A problem, an empty refusal by the server itself, or nothing at all. */
  private static void requireRefused(String what, String answer) {
    if (answer.isEmpty()) {
      return;
    }
    assertThat(answer).as(what).matches("(?s)HTTP/1\\.1 4\\d\\d .*");
    int body = answer.indexOf("\r\n\r\n") + 4;
    if (body < answer.length()) {
      assertThat(answer)
          .as(what)
          .containsIgnoringCase("content-type: application/problem+json")
          .contains("urn:resure:problem:");
    }
  }

  @Test
  void aHeadThatDoesNotEndIsCutHoweverOftenAByteComes() throws Exception {
    List<Socket> slow = new ArrayList<>();
    for (int i = 0; i < 50; i++) {
      slow.add(connect());
      slow.getLast().getOutputStream().write("GET /v1/runs/r HTTP/1.1\r\nX: ".getBytes(ISO_8859_1));
    }
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(20);
    for (Socket socket : slow) {
      socket.setSoTimeout(50);
      while (true) {
        try {
          socket.getOutputStream().write('x');
          if (socket.getInputStream().read() < 0) {
            break;
          }
        } catch (SocketTimeoutException e) {
          assertThat(System.nanoTime()).as("still open").isLessThan(deadline);
        } catch (IOException e) {
          break;
        }
      }
      socket.close();
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"Content-Length: 10737418240", "Transfer-Encoding: chunked"})
  void tenGigabytesAreCutOffSoon(String length) throws IOException {
    byte[] part = "x".repeat(65_536).getBytes(ISO_8859_1);
    try (Socket socket = connect()) {
      OutputStream out = socket.getOutputStream();
      out.write(post(length));
      long sent = 0;
      try {
        while (sent < 10_737_418_240L) {
          if (length.startsWith("T")) {
            out.write("10000\r\n".getBytes(ISO_8859_1));
          }
          out.write(part);
          if (length.startsWith("T")) {
            out.write("\r\n".getBytes(ISO_8859_1));
          }
          sent += part.length;
        }
      } catch (IOException e) {
        // Cut.
      }
      // Twice the limit, and what the buffers of both sides hold.
      assertThat(sent).isLessThan(48L * MIB);
      requireRefused(length, answer(socket));
    }
  }

  @Test
  void aBodyALittleTooLargeIsToldSo() throws IOException {
    byte[] body = new byte[9 * MIB];
    Arrays.fill(body, (byte) ' ');
    assertThat(answer(post("Connection: close", "Content-Length: " + body.length), body))
        .contains("413", "urn:resure:problem:body-too-large", "resure.limits.body");
  }

  @Test
  void aBatchThatBreaksOffInBadChunksIsNotRecorded() throws Exception {
    String chunk = Integer.toHexString(BATCH.length()) + "\r\n" + BATCH + "\r\n";
    for (String end : List.of("zz\r\n", "1\r\nxy\r\n", "-1\r\n", "0\r\nX: " + "x".repeat(20_000))) {
      try (Socket socket = connect()) {
        socket.getOutputStream().write(post("Transfer-Encoding: chunked"));
        socket.getOutputStream().write(chunk.getBytes(ISO_8859_1));
        // Another piece for the server, most likely, as it would be of a slow client.
        socket.getOutputStream().flush();
        TimeUnit.MILLISECONDS.sleep(20);
        socket.getOutputStream().write(end.getBytes(ISO_8859_1));
        requireRefused(end, answer(socket));
      }
    }
  }

  /** 300 MiB in bodies that are never whole; the heap has 256. */
  @Test
  void bodiesThatDoNotEndHoldLittleMemoryTogether() throws IOException {
    byte[] part = new byte[3 * MIB];
    Arrays.fill(part, (byte) ' ');
    List<Socket> greedy = new ArrayList<>();
    for (int i = 0; i < 100; i++) {
      greedy.add(connect());
      try {
        greedy.getLast().getOutputStream().write(post("Content-Length: " + 8 * MIB));
        greedy.getLast().getOutputStream().write(part);
      } catch (IOException e) {
        // Cut already.
      }
    }
    nothingWasRecordedAndOthersAreServed();
    // What the buffers of both sides hold is not read yet; in the end, no more than a few fit.
    service.await(
        "the others to be cut",
        Duration.ofSeconds(60),
        () -> {
          greedy.removeIf(HostileIT::ended);
          return greedy.size() < 15;
        });
    for (Socket socket : greedy) {
      socket.close();
    }
  }

  private static boolean ended(Socket socket) {
    try {
      socket.setSoTimeout(1);
      return socket.getInputStream().read() < 0;
    } catch (SocketTimeoutException e) {
      return false;
    } catch (IOException e) {
      return true;
    }
  }

  @Test
  void aBodyInChunksOfOneByteHoldsLittleMemory() throws IOException {
    byte[] chunks = "1\r\n \r\n".repeat(2 * MIB).getBytes(ISO_8859_1);
    requireRefused("chunks", answer(post("Transfer-Encoding: chunked"), chunks));
  }

  @Test
  void manyConnectionsThatSayNothingHinderNobody() throws IOException {
    List<Socket> idle = new ArrayList<>();
    try {
      for (int i = 0; i < 2000; i++) {
        idle.add(new Socket(InetAddress.getLoopbackAddress(), service.port()));
      }
      nothingWasRecordedAndOthersAreServed();
    } finally {
      for (Socket socket : idle) {
        socket.close();
      }
    }
  }

  @Test
  void requestsInAPipelineThatNobodyReadsTheAnswersOfAreNotHoarded() throws IOException {
    byte[] requests =
        new String(head("GET /v1/runs/r/statistics"), ISO_8859_1).repeat(1000).getBytes(ISO_8859_1);
    try (Socket socket = connect()) {
      for (int i = 0; i < 5000; i++) {
        socket.getOutputStream().write(requests);
      }
    } catch (IOException e) {
      return; // Cut, long before the end.
    }
    throw new AssertionError("the service swallowed all that was sent");
  }

  @Test
  void aCompressedBodyIsNotUnpacked() throws IOException {
    Deflater deflater = new Deflater();
    deflater.setInput(new byte[100 * MIB]);
    deflater.finish();
    byte[] bomb = new byte[MIB];
    int length = deflater.deflate(bomb);
    for (String encoding : List.of("deflate", "gzip", "br", "identity, gzip")) {
      assertThat(
              answer(
                  post(
                      "Connection: close",
                      "Content-Encoding: " + encoding,
                      "Content-Length: " + length),
                  Arrays.copyOf(bomb, length)))
          .contains("415", "urn:resure:problem:unsupported-media-type", "content encoding");
    }
  }

  @Test
  void aBodyWithoutATypeIsRefusedInChunksToo() throws IOException {
    assertThat(
            answer(
                head("PUT /v1/runs/new", "Connection: close", "Transfer-Encoding: chunked"),
                "2\r\n{}\r\n0\r\n\r\n".getBytes(ISO_8859_1)))
        .contains("415", "urn:resure:problem:unsupported-media-type");
  }

  @Test
  void aFloodOfHeadersIsRefused() throws IOException {
    List<String> many = new ArrayList<>();
    for (int i = 0; i < 100_000; i++) {
      many.add("X-" + i + ": y");
    }
    requireRefused("many", answer(head("GET /v1/runs/r", many.toArray(String[]::new))));
    requireRefused("long", answer(head("GET /v1/runs/r", "X: " + "x".repeat(MIB))));
    requireRefused("folded", answer(head("GET /v1/runs/r", "X: y", " z".repeat(MIB))));
    requireRefused(
        "chunk",
        answer(post("Transfer-Encoding: chunked"), ("1;" + "x".repeat(MIB)).getBytes(ISO_8859_1)));
  }

  @Test
  void methodsAndPathsThatPlayTricksAreRefused() throws IOException {
    List<String> requests = new ArrayList<>();
    for (String method :
        List.of("CONNECT", "TRACE", "PATCH", "get", "PRI", "X".repeat(10_000), "\u0000")) {
      requests.add(method + " /v1/runs/r");
    }
    for (String path :
        List.of(
            "/v1/runs/%2e%2e/r",
            "/v1/runs/..%2fr",
            "/v1/runs/r%00",
            "/v1/runs/r\u0000",
            "/v1/runs/%c0%ae%c0%ae/r",
            "/v1/runs/%c0%afr",
            "/v1/%72uns%2fr",
            "/v1/runs/r/../../../etc/passwd",
            "/v1/runs/r%2fstatistics",
            "//v1/runs/r",
            "/../v1/runs/r",
            "/v1/runs/" + "a".repeat(10_000),
            "/v1/runs/" + "%61".repeat(1000),
            "/%2e%2e/%2e%2e/etc/passwd",
            "/..\\..\\etc\\passwd",
            "/actuator/prometheus",
            "/actuator/env",
            "*",
            "")) {
      requests.add("GET " + path);
    }
    for (String request : requests) {
      requireRefused(request, answer(head(request, "Connection: close")));
    }
  }

  @Test
  void depthAndLengthsThatLieAreRefused() throws IOException {
    for (String opening : List.of("[", "{\"a\":", "{\"dialogues\":[")) {
      byte[] body = opening.repeat(100_000).getBytes(ISO_8859_1);
      assertThat(answer(post("Connection: close", "Content-Length: " + body.length), body))
          .contains("400", "urn:resure:problem:malformed-body");
      assertThat(
              answer(
                  head(
                      "PUT /v1/runs/new",
                      "Connection: close",
                      "Content-Type: application/json",
                      "Content-Length: " + body.length),
                  body))
          .contains("400", "urn:resure:problem:malformed-body");
    }
    for (String hex :
        List.of(
            "A1696469616C6F677565739B8000000000000000",
            "BB8000000000000000",
            "A17B8000000000000000",
            "5B8000000000000000",
            "81".repeat(100_000))) {
      byte[] body = HexFormat.of().parseHex(hex);
      assertThat(
              answer(
                  head(
                      "POST /v1/runs/r/observations",
                      "Connection: close",
                      "Content-Type: application/cbor",
                      "Content-Length: " + body.length),
                  body))
          .contains("400", "urn:resure:problem:malformed-body");
    }
  }

  @Test
  void whatIsNoHttpIsCut() throws IOException {
    byte[] hello = HexFormat.of().parseHex("160301020001000001fc0303");
    requireRefused("TLS", answer(hello, new byte[500]));
    requireRefused("HTTP/2", answer("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".getBytes(ISO_8859_1)));
    requireRefused("zeros", answer(new byte[100_000]));
    requireRefused(
        "smuggled",
        answer(
            post("Connection: close", "Content-Length: 5", "Transfer-Encoding: chunked"),
            "0\r\n\r\nGET /v1/runs HTTP/1.1\r\n\r\n".getBytes(ISO_8859_1)));
  }
}
