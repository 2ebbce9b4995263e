package resure.client;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;

/** What answers as a test says, byte by byte, and knows which connections are open. */
final class BadServer implements AutoCloseable {

  /** Answers one request. */
  interface Script {
    void answer(Request request, OutputStream out) throws IOException, InterruptedException;
  }

  /** What a client sent. */
  record Request(String line, String head, byte[] body) {}

  private final ServerSocket listener;
  private final Script script;
  private final Set<Socket> open = ConcurrentHashMap.newKeySet();
  private final AtomicInteger accepted = new AtomicInteger();
  private final List<Request> requests = new CopyOnWriteArrayList<>();
  private final List<Throwable> faults = new CopyOnWriteArrayList<>();
  private final CountDownLatch closing = new CountDownLatch(1);

  BadServer(Script script) throws IOException {
    this.script = script;
    listener = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
    start(this::accept);
  }

  private static void start(Runnable run) {
    Thread thread = new Thread(run, "bad-server");
    thread.setDaemon(true);
    thread.start();
  }

  URI address() {
    return URI.create("http://127.0.0.1:" + listener.getLocalPort());
  }

  /** Connections that the client has not ended. */
  int open() {
    return open.size();
  }

  int accepted() {
    return accepted.get();
  }

  List<Request> requests() {
    return requests;
  }

  /** What should not have happened here. */
  List<Throwable> faults() {
    return faults;
  }

  private void accept() {
    while (true) {
      try {
        Socket socket = listener.accept();
        accepted.incrementAndGet();
        open.add(socket);
        start(() -> serve(socket));
      } catch (IOException e) {
        return; // closed
      }
    }
  }

  private void serve(Socket socket) {
    try {
      Request request;
      while ((request = read(socket.getInputStream())) != null) {
        requests.add(request);
        // Who answers slowly still sees when the client hangs up.
        Request asked = request;
        Thread answering =
            new Thread(
                () -> {
                  try {
                    script.answer(asked, socket.getOutputStream());
                  } catch (HangUp e) {
                    quietly(socket);
                  } catch (IOException | InterruptedException e) {
                    // The client is gone: what the test is about.
                  } catch (Throwable e) {
                    faults.add(e);
                    quietly(socket);
                  }
                },
                "bad-server-answer");
        answering.setDaemon(true);
        answering.start();
      }
    } catch (IOException e) {
      // As the end of the stream.
    } finally {
      open.remove(socket);
      quietly(socket);
    }
  }

  private static void quietly(Socket socket) {
    try {
      socket.close();
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  private static Request read(InputStream in) throws IOException {
    ByteArrayOutputStream head = new ByteArrayOutputStream();
    int last = 0;
    while (last != 0x0d0a0d0a) {
      int next = in.read();
      if (next < 0) {
        return null;
      }
      head.write(next);
      last = last << 8 | next;
    }
    String text = head.toString(StandardCharsets.ISO_8859_1);
    int length = 0;
    for (String line : text.split("\r\n")) {
      if (line.toLowerCase(Locale.ROOT).startsWith("content-length:")) {
        length = Integer.parseInt(line.substring(line.indexOf(':') + 1).trim());
      }
    }
    return new Request(text.substring(0, text.indexOf("\r\n")), text, in.readNBytes(length));
  }

  /** Ends the connection, from within a script. */
  static final class HangUp extends IOException {
    private static final long serialVersionUID = 1;
  }

  /** A script that does nothing until the server is closed. */
  void silence() throws InterruptedException {
    closing.await();
  }

  static void head(OutputStream out, int status, String type, long length, String... headers)
      throws IOException {
    List<String> lines = new ArrayList<>();
    lines.add("HTTP/1.1 " + status + " Any");
    lines.add("Content-Type: " + type);
    lines.add("Content-Length: " + length);
    for (int i = 0; i < headers.length; i += 2) {
      lines.add(headers[i] + ": " + headers[i + 1]);
    }
    out.write((String.join("\r\n", lines) + "\r\n\r\n").getBytes(StandardCharsets.ISO_8859_1));
    out.flush();
  }

  static void whole(OutputStream out, int status, String type, byte[] body, String... headers)
      throws IOException {
    head(out, status, type, body.length, headers);
    out.write(body);
    out.flush();
  }

  /** One byte every 20 ms. */
  static void trickle(OutputStream out, byte[] body) throws IOException {
    for (byte one : body) {
      out.write(one);
      out.flush();
      LockSupport.parkNanos(20_000_000);
    }
  }

  @Override
  public void close() throws IOException {
    closing.countDown();
    listener.close();
    open.forEach(BadServer::quietly);
  }
}
