package resure.client;

import java.io.IOException;
import java.io.InputStream;
import java.net.http.HttpResponse.BodySubscriber;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Flow;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * The body of an answer as it arrives, however long: bytes are asked for as they are read. Reading
 * is for one thread; closing for any.
 */
final class FlowingBody extends InputStream implements BodySubscriber<InputStream> {

  private static final ByteBuffer NOTHING = ByteBuffer.allocate(0);

  /** What ends a body; without a failure it is whole. */
  private record End(@Nullable Throwable failure) {}

  private final Duration patience;

  /** Lists of buffers, then an {@link End}. No longer than what was asked for, and its end. */
  private final BlockingQueue<Object> arrived = new LinkedBlockingQueue<>();

  /** Comes before the first bytes, but may come after {@link #close}. */
  private volatile Flow.@Nullable Subscription subscription;

  private volatile boolean closed;

  private Iterator<ByteBuffer> buffers = List.<ByteBuffer>of().iterator();
  private ByteBuffer buffer = NOTHING;
  private boolean atEnd;

  /**
   * For one answer.
   *
   * @param patience for the next bytes
   */
  FlowingBody(Duration patience) {
    this.patience = patience;
  }

  @Override
  public CompletionStage<InputStream> getBody() {
    return CompletableFuture.completedStage(this);
  }

  @Override
  public void onSubscribe(Flow.Subscription newSubscription) {
    subscription = newSubscription;
    if (closed) {
      newSubscription.cancel();
    } else {
      newSubscription.request(1);
    }
  }

  @Override
  public void onNext(List<ByteBuffer> item) {
    arrived.add(item);
  }

  @Override
  public void onError(Throwable failure) {
    arrived.add(new End(failure));
  }

  @Override
  public void onComplete() {
    arrived.add(new End(null));
  }

  @Override
  public int read() {
    byte[] one = new byte[1];
    return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
  }

  @Override
  public int read(byte[] into, int offset, int length) {
    while (!buffer.hasRemaining()) {
      if (buffers.hasNext()) {
        buffer = buffers.next();
      } else if (atEnd || !next()) {
        return -1;
      }
    }
    int count = Math.min(length, buffer.remaining());
    buffer.get(into, offset, count);
    return count;
  }

  /** Waits for what comes next; false for the end. */
  @SuppressWarnings("unchecked")
  private boolean next() {
    Object next;
    try {
      next = arrived.poll(patience.toNanos(), TimeUnit.NANOSECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw broken("interrupted while waiting for more of the answer", e);
    }
    if (next == null) {
      throw broken("the answer stopped for " + patience.toMillis() + " ms", null);
    }
    if (next instanceof End end) {
      atEnd = true;
      if (end.failure != null) {
        throw broken("the connection broke before the answer was whole", end.failure);
      }
      return false;
    }
    buffers = ((List<ByteBuffer>) next).iterator();
    Flow.Subscription source = subscription;
    if (source != null) {
      source.request(1);
    }
    return true;
  }

  private UnavailableException broken(String what, @Nullable Throwable e) {
    close();
    return new UnavailableException(what, e);
  }

  /** Ends the exchange; who reads at this moment finds the body broken. */
  @Override
  public void close() {
    closed = true;
    Flow.Subscription source = subscription;
    if (source != null) {
      source.cancel();
    }
    arrived.add(new End(new IOException("closed")));
  }
}
