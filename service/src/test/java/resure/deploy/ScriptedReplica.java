package resure.deploy;

import com.sun.net.httpserver.Headers;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpHandler;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/** A replica that notes what it is sent, whole, and answers with its port, or as it is told. */
final class ScriptedReplica implements AutoCloseable {

  /**
   * A request that arrived.
   *
   * @param from port of the connection's other end
   * @param body its length
   */
  record Received(String method, URI uri, Headers headers, int from, long body) {}

  private final List<Received> received = new CopyOnWriteArrayList<>();
  private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
  private final int port;
  private HttpServer server;
  private volatile HttpHandler script = this::answerPort;

  ScriptedReplica() throws IOException {
    server = listen(0);
    port = server.getAddress().getPort();
  }

  private HttpServer listen(int at) throws IOException {
    HttpServer listening =
        HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), at), 0);
    listening.createContext("/", this::handle);
    listening.setExecutor(threads);
    listening.start();
    return listening;
  }

  private void handle(HttpExchange exchange) throws IOException {
    long length = exchange.getRequestBody().transferTo(OutputStream.nullOutputStream());
    received.add(
        new Received(
            exchange.getRequestMethod(),
            exchange.getRequestURI(),
            exchange.getRequestHeaders(),
            exchange.getRemoteAddress().getPort(),
            length));
    script.handle(exchange);
  }

  private void answerPort(HttpExchange exchange) throws IOException {
    answer(exchange, 200, Integer.toString(port));
  }

  static void answer(HttpExchange exchange, int status, String text) throws IOException {
    byte[] body = text.getBytes(StandardCharsets.UTF_8);
    exchange.sendResponseHeaders(status, body.length);
    exchange.getResponseBody().write(body);
    exchange.close();
  }

  int port() {
    return port;
  }

  List<Received> received() {
    return received;
  }

  /** From now on each request, once it is read, is handled so. */
  void script(HttpHandler handler) {
    script = handler;
  }

  /** From now on the connection ends when a request has been read, without an answer. */
  void cutAfterRequests() {
    script = HttpExchange::close;
  }

  /** From now on connections are refused. */
  void stop() {
    server.stop(0);
  }

  /** Listens again where it has listened. */
  void startAgain() throws IOException {
    server = listen(port);
  }

  @Override
  public void close() {
    server.stop(0);
    threads.close();
  }
}
