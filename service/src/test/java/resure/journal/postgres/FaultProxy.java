package resure.journal.postgres;

import static java.nio.charset.StandardCharsets.US_ASCII;

import java.io.DataInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Stands between the service and its database on a port of its own, and does on demand what
 * networks do. It knows as much of the protocol as to see where a message begins: a type of one
 * byte and a length, but for the first of a connection, which has no type.
 */
public final class FaultProxy implements AutoCloseable {

  /** What happens to connections. */
  private enum Mode {
    PASS,
    /** Bytes are swallowed, and nobody is told. */
    BLACKHOLE,
    /** New connections are cut at once, as by a host without the server. */
    REFUSE
  }

  /** Where a connection is cut. */
  public enum Point {
    /** Before the next statement with the marker reaches the server. */
    BEFORE_STATEMENT,
    /** After the server has it, before any of its answer is back: a commit in flight. */
    AFTER_STATEMENT
  }

  private static final int SYNC = 'S';

  private final ServerSocket listener;
  private final int target;
  private final List<Connection> connections = new CopyOnWriteArrayList<>();
  private volatile Mode mode = Mode.PASS;
  private volatile long delayMillis;
  private volatile @Nullable Cut cut;

  /** One cut to come. */
  private static final class Cut {
    private final Point point;
    private final byte[] marker;
    private final CountDownLatch done = new CountDownLatch(1);

    Cut(Point point, String marker) {
      this.point = point;
      this.marker = marker.getBytes(US_ASCII);
    }
  }

  /** Begins to pass everything on to a port of 127.0.0.1. */
  public FaultProxy(int target) {
    this.target = target;
    try {
      listener = new ServerSocket(0, 50, InetAddress.getByName("127.0.0.1"));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    thread("accept", this::accept);
  }

  private static void thread(String name, Runnable work) {
    Thread.ofPlatform().daemon().name("fault-proxy-" + name).start(work);
  }

  /** Where it listens. */
  public int port() {
    return listener.getLocalPort();
  }

  /** Passes everything on again, for connections made from now on. */
  public void pass() {
    mode = Mode.PASS;
    delayMillis = 0;
  }

  /** Swallows everything, in connections that are there and in new ones. */
  public void blackhole() {
    mode = Mode.BLACKHOLE;
  }

  /** Cuts what there is and lets nobody in. */
  public void refuse() {
    mode = Mode.REFUSE;
    cutAll();
  }

  /** Cuts what there is; new connections pass. */
  public void cutAll() {
    connections.forEach(Connection::close);
  }

  /** Holds each piece of an answer up. */
  public void delay(long millis) {
    delayMillis = millis;
  }

  /** Cuts the next connection in which a message holds the marker; {@link #awaitCut} says when. */
  public void cutAt(Point point, String marker) {
    cut = new Cut(point, marker);
  }

  /** Waits until the last cut that was asked for has been made. */
  public void awaitCut() throws InterruptedException {
    Cut asked = cut;
    if (asked != null && !asked.done.await(30, TimeUnit.SECONDS)) {
      throw new AssertionError("no message held the marker");
    }
  }

  private void accept() {
    try {
      while (!listener.isClosed()) {
        Socket client = listener.accept();
        if (mode == Mode.REFUSE) {
          client.close();
          continue;
        }
        Socket server = new Socket("127.0.0.1", target);
        // Messages are passed on one by one; each would wait for the last one's acknowledgement.
        client.setTcpNoDelay(true);
        server.setTcpNoDelay(true);
        Connection connection = new Connection(client, server);
        connections.add(connection);
        thread("up", connection::up);
        thread("down", connection::down);
      }
    } catch (IOException e) {
      if (!listener.isClosed()) {
        throw new UncheckedIOException(e);
      }
    }
  }

  private final class Connection {

    private final Socket client;
    private final Socket server;
    private volatile boolean mute;
    private boolean answered;

    Connection(Socket client, Socket server) {
      this.client = client;
      this.server = server;
    }

    /** From the service to the database, message by message. */
    void up() {
      try (InputStream in = client.getInputStream();
          OutputStream out = server.getOutputStream()) {
        DataInputStream messages = new DataInputStream(in);
        boolean started = false;
        boolean marked = false;
        while (true) {
          int type = started ? messages.readUnsignedByte() : 0;
          int length = messages.readInt();
          byte[] body = messages.readNBytes(length - Integer.BYTES);
          ByteBuffer message = ByteBuffer.allocate((started ? 1 : 0) + length);
          if (started) {
            message.put((byte) type);
          }
          message.putInt(length).put(body);
          // The answer to an SSLRequest is a byte, and then comes the startup message.
          started = started || ByteBuffer.wrap(body).getInt() != 80877103;
          if (mode == Mode.BLACKHOLE) {
            continue;
          }
          Cut asked = cut;
          marked = marked || (asked != null && holds(body, asked.marker));
          if (marked && asked != null && asked.done.getCount() > 0) {
            if (asked.point == Point.BEFORE_STATEMENT) {
              close();
              asked.done.countDown();
              return;
            }
            // All of the statement goes through to the Sync that commits it; no answer comes back.
            mute = true;
            out.write(message.array());
            out.flush();
            if (type == SYNC) {
              awaitAnswer();
              close();
              asked.done.countDown();
              return;
            }
            continue;
          }
          out.write(message.array());
          out.flush();
        }
      } catch (IOException e) {
        close();
      }
    }

    /** Waits until the server has answered, so that the commit has happened. */
    private void awaitAnswer() throws IOException {
      synchronized (this) {
        try {
          while (!answered) {
            wait(TimeUnit.SECONDS.toMillis(30));
          }
        } catch (InterruptedException e) {
          throw new IOException(e);
        }
      }
    }

    /** From the database to the service, as it comes. */
    void down() {
      byte[] piece = new byte[64 * 1024];
      try (InputStream in = server.getInputStream();
          OutputStream out = client.getOutputStream()) {
        int count;
        while ((count = in.read(piece)) >= 0) {
          if (mute) {
            synchronized (this) {
              answered = true;
              notifyAll();
            }
            continue;
          }
          if (mode == Mode.BLACKHOLE) {
            continue;
          }
          if (delayMillis > 0) {
            TimeUnit.MILLISECONDS.sleep(delayMillis);
          }
          out.write(piece, 0, count);
          out.flush();
        }
        close();
      } catch (IOException e) {
        close();
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
    }

    void close() {
      connections.remove(this);
      for (Socket socket : List.of(client, server)) {
        try {
          // At once, as when the other side has crashed: not after what is buffered.
          socket.setSoLinger(true, 0);
          socket.close();
        } catch (IOException e) {
          // It is closed.
        }
      }
    }
  }

  private static boolean holds(byte[] body, byte[] marker) {
    for (int from = 0; from + marker.length <= body.length; from++) {
      int at = 0;
      while (at < marker.length && body[from + at] == marker[at]) {
        at++;
      }
      if (at == marker.length) {
        return true;
      }
    }
    return false;
  }

  @Override
  public void close() {
    try {
      listener.close();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    new ArrayList<>(connections).forEach(Connection::close);
  }
}
