package resure.bench;

import java.io.Closeable;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.SocketChannel;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Kept-alive connections on one thread: each sends a request, waits for the whole answer, checks
 * it, and sends the next, at once (a closed loop) or when one is due (an open loop). Cheap, since
 * it shares the machine with what it measures.
 *
 * <p>Any unexpected answer ends the measurement with an exception that quotes it.
 */
final class LoadClient implements Closeable {

  private static final int LONGEST_SILENCE_MILLIS = 30_000;

  /** Waits for what is due are shorter, and not left to a selector, which knows milliseconds. */
  private static final long SHORT_NANOS = 2_000_000;

  private static final long SHORTEST_NANOS = 50_000;

  private final Selector selector;
  private final List<Connection> connections = new ArrayList<>();

  /** Connects to a server on this machine. */
  LoadClient(int port, int connections) throws IOException {
    selector = Selector.open();
    for (int i = 0; i < connections; i++) {
      SocketChannel channel =
          SocketChannel.open(new InetSocketAddress(InetAddress.getLoopbackAddress(), port));
      channel.setOption(StandardSocketOptions.TCP_NODELAY, true);
      channel.configureBlocking(false);
      this.connections.add(new Connection(channel, channel.register(selector, 0)));
    }
  }

  /** Sends for a time, and waits for what is still to be answered. */
  Load drive(Requests requests, Duration time) throws IOException {
    long start = System.nanoTime();
    return drive(new Window(requests, Long.MAX_VALUE, start + time.toNanos(), 0), start);
  }

  /** Sends a number of requests, however long it takes. */
  Load drive(Requests requests, long count) throws IOException {
    long start = System.nanoTime();
    return drive(new Window(requests, count, start + Long.MAX_VALUE / 2, 0), start);
  }

  /**
   * Sends requests that are due at fixed times, so many a second, whether others are answered or
   * not; one that finds no connection free waits for one. Latency counts from when it was due, so
   * that nobody who would have had to wait is left out.
   */
  Load driveAt(Requests requests, double perSecond, Duration time) throws IOException {
    long start = System.nanoTime();
    long count = Math.max(1, Math.round(perSecond * time.toNanos() / 1e9));
    return drive(
        new Window(
            requests, count, start + Long.MAX_VALUE / 2, Math.max(1, time.toNanos() / count)),
        start);
  }

  private Load drive(Window window, long start) throws IOException {
    for (Connection connection : connections) {
      connection.sendNext(window, start);
    }
    while (window.unanswered > 0 || !window.idle.isEmpty()) {
      long now = System.nanoTime();
      while (!window.idle.isEmpty() && window.untilDue(now) <= 0) {
        window.idle.remove().sendNext(window, now);
      }
      select(window);
      if (window.failure != null) {
        throw window.failure;
      }
    }
    return window.finish(System.nanoTime() - start);
  }

  private void select(Window window) throws IOException {
    Consumer<SelectionKey> proceed = key -> ((Connection) key.attachment()).proceed(window);
    if (window.idle.isEmpty()) {
      if (window.unanswered > 0 && selector.select(proceed, LONGEST_SILENCE_MILLIS) == 0) {
        throw new IOException("no answer for " + LONGEST_SILENCE_MILLIS + " ms");
      }
      return;
    }
    long wait = window.untilDue(System.nanoTime());
    if (wait > SHORT_NANOS) {
      selector.select(proceed, wait / 1_000_000 - 1);
    } else if (selector.selectNow(proceed) == 0 && wait > 0) {
      LockSupport.parkNanos(Math.min(wait, SHORTEST_NANOS));
    }
  }

  @Override
  public void close() throws IOException {
    for (Connection connection : connections) {
      connection.channel.close();
    }
    selector.close();
  }

  /** One call of {@code drive}. */
  private static final class Window {

    private final Requests requests;
    private final Answers answers;
    private final long deadline;

    /** Between requests that are due; 0 in a closed loop. */
    private final long interval;

    private long due;
    private long left;

    /** Connections that wait for a request to be due. */
    private final Deque<Connection> idle = new ArrayDeque<>();

    private long unanswered;
    private long[] latencies = new long[1 << 16];
    private int answered;
    private @Nullable IOException failure;

    Window(Requests requests, long count, long deadline, long interval) {
      this.requests = requests;
      answers = requests.answers();
      this.left = count;
      this.deadline = deadline;
      this.interval = interval;
      due = System.nanoTime();
    }

    boolean over(long now) {
      return left == 0 || now - deadline >= 0;
    }

    /** How long until the next request is due; not positive in a closed loop, or at the end. */
    long untilDue(long now) {
      return interval == 0 || left == 0 ? 0 : due - now;
    }

    /** Takes the next request: since when it counts. */
    long take(long now) {
      left--;
      unanswered++;
      if (interval == 0) {
        return now;
      }
      long since = due;
      due += interval;
      return since;
    }

    void answer(long nanos) {
      if (answered == latencies.length) {
        latencies = Arrays.copyOf(latencies, 2 * answered);
      }
      latencies[answered++] = nanos;
      unanswered--;
    }

    Load finish(long nanos) {
      long[] sorted = Arrays.copyOf(latencies, answered);
      Arrays.sort(sorted);
      return Load.of(nanos, sorted);
    }
  }

  private static final class Connection {

    private final SocketChannel channel;
    private final SelectionKey key;
    private ByteBuffer out = ByteBuffer.allocateDirect(0);
    private ByteBuffer in = ByteBuffer.allocateDirect(64 * 1024);
    private long sentAt;

    /** Bytes of the answer that is arriving; 0 while too little is there to tell. */
    private int answerLength;

    Connection(SocketChannel channel, SelectionKey key) {
      this.channel = channel;
      this.key = key;
      key.attach(this);
    }

    void sendNext(Window window, long now) throws IOException {
      if (window.over(now)) {
        key.interestOps(0);
        return;
      }
      if (window.untilDue(now) > 0) {
        key.interestOps(0);
        window.idle.add(this);
        return;
      }
      sentAt = window.take(now);
      if (out.capacity() < window.requests.capacity()) {
        out = ByteBuffer.allocateDirect(window.requests.capacity());
      }
      out.clear();
      window.requests.next(out);
      out.flip();
      in.clear();
      answerLength = 0;
      write();
    }

    private void write() throws IOException {
      channel.write(out);
      key.interestOps(out.hasRemaining() ? SelectionKey.OP_WRITE : SelectionKey.OP_READ);
    }

    void proceed(Window window) {
      try {
        if (key.isWritable()) {
          write();
        } else if (read(window.answers)) {
          long now = System.nanoTime();
          window.answer(now - sentAt);
          sendNext(window, now);
        }
      } catch (IOException e) {
        window.failure = e;
      }
    }

    /** Whether the answer is complete. */
    private boolean read(Answers answers) throws IOException {
      if (channel.read(in) < 0) {
        throw new IOException(
            "the server closed a connection within an answer: " + Answers.text(in));
      }
      if (answerLength == 0) {
        answerLength = answers.length(in);
        if (in.capacity() < answerLength) {
          in = ByteBuffer.allocateDirect(2 * answerLength).put(in.flip());
        }
      }
      if (answerLength > 0 && in.position() > answerLength) {
        throw new IOException("more than the answer arrived: " + Answers.text(in));
      }
      return answerLength > 0 && in.position() == answerLength;
    }
  }
}
