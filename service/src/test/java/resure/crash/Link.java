package resure.crash;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/** The way from one process to a server on this machine, which can be bad. */
final class Link implements AutoCloseable {

  private static final int BUFFER = 1 << 16;

  private enum State {
    WELL,
    /** Nobody gets through. */
    CUT,
    /** What is sent stays on the way. */
    HELD,
    /** Some answers are lost with their connections: whoever waits does not know what was done. */
    LOSING_ANSWERS
  }

  private final int serverPort;
  private final ServerSocket entrance;
  private final Random random;
  private final Set<Socket> open = ConcurrentHashMap.newKeySet();
  private final ExecutorService threads =
      Executors.newThreadPerTaskExecutor(Thread.ofVirtual().factory());
  private volatile State state = State.WELL;

  /** To the server at a port of 127.0.0.1. */
  Link(int serverPort, long seed) throws IOException {
    this.serverPort = serverPort;
    this.random = new Random(seed);
    entrance = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
    threads.execute(this::accept);
  }

  /** Where to connect. */
  int port() {
    return entrance.getLocalPort();
  }

  /** All connections are reset, and no other comes about. */
  void cut() {
    state = State.CUT;
    open.forEach(Link::reset);
  }

  /** Nothing arrives any more, and nobody is told. What was sent arrives after it is healed. */
  void hold() {
    state = State.HELD;
  }

  /** Every third answer is lost, and its connection is reset. */
  void loseAnswers() {
    state = State.LOSING_ANSWERS;
  }

  /** All is well again. */
  void heal() {
    state = State.WELL;
  }

  private void accept() {
    while (!entrance.isClosed()) {
      try {
        Socket client = entrance.accept();
        threads.execute(() -> connect(client));
      } catch (IOException e) {
        // Closed.
      }
    }
  }

  private void connect(Socket client) {
    open.add(client);
    Socket server = null;
    try {
      if (state != State.CUT) {
        server = new Socket(InetAddress.getLoopbackAddress(), serverPort);
        open.add(server);
        server.setTcpNoDelay(true);
        client.setTcpNoDelay(true);
        Socket connected = server;
        threads.execute(() -> pass(connected, client, true));
        pass(client, server, false);
      }
    } catch (IOException e) {
      // The server is away.
    } finally {
      close(client);
      open.remove(client);
      if (server != null) {
        close(server);
        open.remove(server);
      }
    }
  }

  private void pass(Socket from, Socket to, boolean answers) {
    byte[] buffer = new byte[BUFFER];
    try {
      InputStream in = from.getInputStream();
      OutputStream out = to.getOutputStream();
      for (int read = in.read(buffer); read >= 0; read = in.read(buffer)) {
        while (state == State.HELD) {
          LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(10));
        }
        if (answers && state == State.LOSING_ANSWERS && loses()) {
          reset(from);
          reset(to);
          return;
        }
        out.write(buffer, 0, read);
      }
    } catch (IOException e) {
      // One side is gone: so is the other.
    } finally {
      close(from);
      close(to);
    }
  }

  private boolean loses() {
    synchronized (random) {
      return random.nextInt(3) == 0;
    }
  }

  /** Closes it so that what is on the way is lost, as with a cable that is pulled. */
  private static void reset(Socket socket) {
    try {
      socket.setSoLinger(true, 0);
    } catch (IOException e) {
      // It is closed already.
    }
    close(socket);
  }

  private static void close(Socket socket) {
    try {
      socket.close();
    } catch (IOException e) {
      // It is gone, which is all that was wanted.
    }
  }

  @Override
  public void close() {
    try {
      entrance.close();
    } catch (IOException e) {
      throw new AssertionError(e);
    }
    heal();
    open.forEach(Link::reset);
    threads.close();
  }
}
