package resure.api;

import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelPipeline;
import io.netty.handler.codec.http.HttpContent;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.LastHttpContent;
import io.netty.handler.ssl.SslHandshakeCompletionEvent;
import io.netty.util.ReferenceCountUtil;
import io.netty.util.concurrent.ScheduledFuture;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;
import reactor.netty.NettyPipeline;

/**
 * What a client can hold of the service: connections, time and memory for bodies that do not end,
 * and answers that nobody takes. Whoever oversteps is cut off without a word, since a client that
 * means well never does. One for each connection, on its event loop, behind the decoder of HTTP;
 * what all connections hold together is shared. A head that does not end is the server's idle
 * timeout's.
 */
final class ConnectionBounds extends ChannelInboundHandlerAdapter {

  /** What a part of a body counts for besides its bytes: small objects, and the work they make. */
  private static final int PART = 1 << 10;

  /**
   * A part of fewer bytes, of which an honest body has few, counts for more: chunks of one byte.
   */
  private static final int SMALL = 256;

  private static final int SMALL_PART = 1 << 14;

  /**
   * All connections together, on any event loop.
   *
   * @param connections at most
   * @param bodyBytes of one body at most, those that are thrown away after a refusal included; as
   *     all bytes here, with what its parts count for
   * @param unfinishedBytes of all bodies together that have begun to arrive
   * @param patience for a whole body, and for a client to take some of what is ready for it
   */
  record Bounds(int connections, long bodyBytes, long unfinishedBytes, Duration patience) {}

  /** What all connections hold at the moment. */
  static final class Held {
    private final Bounds bounds;
    private final AtomicInteger connections = new AtomicInteger();
    private final AtomicLong bytes = new AtomicLong();
    private final AtomicLong bodies = new AtomicLong();

    /** Connections with an unfinished body, the one that began first in front. */
    private final ConcurrentSkipListMap<Long, ConnectionBounds> unfinished =
        new ConcurrentSkipListMap<>();

    Held(Bounds bounds) {
      this.bounds = bounds;
    }

    int connections() {
      return connections.get();
    }

    long unfinishedBytes() {
      return bytes.get();
    }
  }

  private final Held held;
  private @Nullable ChannelHandlerContext context;
  private boolean reading;

  /** Bytes of the body so far. */
  private long received;

  /** Place among the unfinished bodies; 0 for none. */
  private long place;

  private @Nullable ScheduledFuture<?> bodyDeadline;
  private @Nullable ScheduledFuture<?> takingDeadline;
  private boolean cut;

  ConnectionBounds(Held held) {
    this.held = held;
  }

  /**
   * Bounds a connection once it is known what is spoken on it, which under TLS is not before the
   * handshake. Of HTTP/2 that is their number, and answers that nobody takes: what a stream may
   * have under way, its flow control bounds.
   */
  static void install(ChannelPipeline pipeline, Held held) {
    if (pipeline.get(NettyPipeline.HttpCodec) == null) {
      pipeline.addLast(new AfterHandshake(held));
    } else {
      pipeline.addAfter(
          NettyPipeline.HttpCodec, ConnectionBounds.class.getName(), new ConnectionBounds(held));
    }
  }

  private static final class AfterHandshake extends ChannelInboundHandlerAdapter {
    private final Held held;

    AfterHandshake(Held held) {
      this.held = held;
    }

    @Override
    public void userEventTriggered(ChannelHandlerContext ctx, Object event) {
      ctx.fireUserEventTriggered(event);
      if (event instanceof SslHandshakeCompletionEvent done && done.isSuccess()) {
        ChannelPipeline pipeline = ctx.pipeline();
        pipeline.remove(this);
        if (pipeline.get(NettyPipeline.HttpCodec) == null) {
          pipeline.addLast(new ConnectionBounds(held));
        } else {
          install(pipeline, held);
        }
      }
    }
  }

  @Override
  public void handlerAdded(ChannelHandlerContext added) {
    context = added;
    added.channel().closeFuture().addListener(closed -> closed());
    if (held.connections.incrementAndGet() > held.bounds.connections) {
      cut(added);
    }
  }

  private void closed() {
    held.connections.decrementAndGet();
    finished();
    takingDeadline = cancelled(takingDeadline);
  }

  @Override
  public void channelRead(ChannelHandlerContext ctx, Object message) {
    if (cut) {
      ReferenceCountUtil.release(message);
      return;
    }
    boolean head = message instanceof HttpRequest;
    reading |= head;
    if (message instanceof HttpContent content) {
      int size = content.content().readableBytes();
      int bytes = size + (size < SMALL ? SMALL_PART : PART);
      received += bytes;
      held.bytes.addAndGet(bytes);
      // Reactor Netty ends a body that breaks off in bad chunks as if it were whole: half a batch
      // must not look like a batch. What is wrong with a head, it answers.
      boolean broken = !head && content.decoderResult().isFailure();
      if (broken || received > held.bounds.bodyBytes) {
        ReferenceCountUtil.release(message);
        cut(ctx);
        return;
      }
      if (content instanceof LastHttpContent) {
        finished();
      }
    }
    ctx.fireChannelRead(message);
  }

  /** Most bodies come whole before this: they are never listed, and have no deadline. */
  @Override
  public void channelReadComplete(ChannelHandlerContext ctx) {
    if (reading && !cut) {
      if (place == 0) {
        place = held.bodies.incrementAndGet();
        held.unfinished.put(place, this);
        bodyDeadline = deadline(ctx);
      }
      if (held.bytes.get() > held.bounds.unfinishedBytes) {
        cutTheOldest();
      }
    }
    ctx.fireChannelReadComplete();
  }

  /** Who means well is soon done; who has been at it for longest most likely does not. */
  private void cutTheOldest() {
    Map.Entry<Long, ConnectionBounds> oldest = held.unfinished.pollFirstEntry();
    if (oldest != null) {
      oldest.getValue().cutIfStillAt(oldest.getKey());
    }
  }

  /** From any thread: the body may have ended meanwhile. */
  private void cutIfStillAt(long body) {
    ChannelHandlerContext ctx = context;
    if (ctx != null) {
      ctx.executor()
          .execute(
              () -> {
                if (place == body) {
                  cut(ctx);
                }
              });
    }
  }

  private void finished() {
    reading = false;
    held.bytes.addAndGet(-received);
    received = 0;
    if (place != 0) {
      held.unfinished.remove(place);
      place = 0;
    }
    bodyDeadline = cancelled(bodyDeadline);
  }

  @Override
  public void channelWritabilityChanged(ChannelHandlerContext ctx) {
    takingDeadline = ctx.channel().isWritable() || cut ? cancelled(takingDeadline) : deadline(ctx);
    ctx.fireChannelWritabilityChanged();
  }

  private ScheduledFuture<?> deadline(ChannelHandlerContext ctx) {
    return ctx.executor()
        .schedule(() -> cut(ctx), held.bounds.patience.toNanos(), TimeUnit.NANOSECONDS);
  }

  private static @Nullable ScheduledFuture<?> cancelled(@Nullable ScheduledFuture<?> deadline) {
    if (deadline != null) {
      deadline.cancel(false);
    }
    return null;
  }

  private void cut(ChannelHandlerContext ctx) {
    cut = true;
    ChannelFuture _ = ctx.close();
  }
}
