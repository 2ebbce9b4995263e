package resure.api;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.embedded.EmbeddedChannel;
import io.netty.handler.codec.http.HttpContent;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.HttpServerCodec;
import io.netty.handler.codec.http.LastHttpContent;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import resure.api.ConnectionBounds.Bounds;
import resure.api.ConnectionBounds.Held;

class ConnectionBoundsTest {

  private final Held held = new Held(new Bounds(3, 600_000, 700_000, Duration.ofSeconds(60)));
  private final List<EmbeddedChannel> channels = new ArrayList<>();

  @AfterEach
  void everythingIsGivenBack() {
    channels.forEach(EmbeddedChannel::finishAndReleaseAll);
    assertThat(held.connections()).isZero();
    assertThat(held.unfinishedBytes()).isZero();
  }

  private EmbeddedChannel connect() {
    EmbeddedChannel channel =
        new EmbeddedChannel(new HttpServerCodec(), new ConnectionBounds(held));
    channel.freezeTime();
    channels.add(channel);
    return channel;
  }

  private static void send(EmbeddedChannel channel, String text) {
    if (channel.isOpen()) {
      channel.writeInbound(Unpooled.copiedBuffer(text, US_ASCII));
    }
  }

  private static String post(int length) {
    return "POST / HTTP/1.1\r\nContent-Length: %d\r\n\r\n".formatted(length);
  }

  private static final String CHUNKED = "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n";

  /** What came through since this was asked last: heads, bytes of bodies, and ends. */
  private static String passed(EmbeddedChannel channel) {
    StringBuilder text = new StringBuilder();
    for (Object next = channel.readInbound(); next != null; next = channel.readInbound()) {
      if (next instanceof HttpRequest) {
        text.append('<');
      }
      if (next instanceof HttpContent content) {
        ByteBuf bytes = content.content();
        text.append(bytes.toString(US_ASCII));
        text.append(content instanceof LastHttpContent ? ">" : "");
        content.release();
      }
    }
    return text.toString();
  }

  @Test
  void wholeRequestsPassOneAfterTheOther() {
    EmbeddedChannel channel = connect();
    send(channel, post(3) + "abc" + post(0));
    send(channel, CHUNKED + "2\r\nxy\r\n");
    send(channel, "1\r\nz\r\n0\r\n\r\n");
    channel.advanceTimeBy(1, TimeUnit.DAYS);
    channel.runScheduledPendingTasks();
    assertThat(channel.isOpen()).isTrue();
    assertThat(passed(channel)).isEqualTo("<abc><><xyz>");
  }

  @Test
  void aConnectionBeyondTheMostIsCutAndOneThatEndsMakesRoom() {
    EmbeddedChannel first = connect();
    connect();
    connect();
    assertThat(connect().isOpen()).isFalse();
    first.close();
    assertThat(connect().isOpen()).isTrue();
  }

  @Test
  void aBodyThatBreaksOffInBadChunksDoesNotEnd() {
    EmbeddedChannel channel = connect();
    send(channel, CHUNKED + "2\r\n{}\r\n");
    send(channel, "zz\r\n");
    assertThat(channel.isOpen()).isFalse();
    assertThat(passed(channel)).isEqualTo("<{}");
  }

  @Test
  void aBodyThatDoesNotEndIsCutByItsBytes() {
    for (String head : List.of(post(2_000_000_000), CHUNKED)) {
      EmbeddedChannel channel = connect();
      send(channel, head);
      int sent = 0;
      while (channel.isOpen()) {
        String part = "x".repeat(1000);
        send(channel, head.equals(CHUNKED) ? "3e8\r\n" + part + "\r\n" : part);
        sent += 1000;
      }
      assertThat(sent).isEqualTo(297_000);
    }
  }

  @Test
  void aBodyThatDoesNotEndIsCutByTimeHoweverOftenAByteComes() {
    EmbeddedChannel channel = connect();
    send(channel, post(1000));
    int seconds = 0;
    while (channel.isOpen()) {
      send(channel, "x");
      channel.advanceTimeBy(2, TimeUnit.SECONDS);
      channel.runScheduledPendingTasks();
      seconds += 2;
    }
    assertThat(seconds).isEqualTo(60);
  }

  @Test
  void ofTooMuchThatIsUnfinishedTheOldestIsCut() {
    EmbeddedChannel old = connect();
    EmbeddedChannel young = connect();
    EmbeddedChannel done = connect();
    send(old, post(300_000) + "x".repeat(200_000));
    send(young, post(9000));
    // Small parts cost more than their bytes.
    for (int i = 0; i < 45 && old.isOpen(); i++) {
      send(young, "x");
      old.runPendingTasks();
    }
    assertThat(old.isOpen()).isFalse();
    assertThat(young.isOpen()).isTrue();
    send(done, post(4) + "done");
    assertThat(passed(done)).isEqualTo("<done>");
  }

  @Test
  void whoTakesNoAnswerIsCutAndWhoTakesSomeIsNot() {
    EmbeddedChannel channel = connect();
    for (boolean takes : new boolean[] {true, false}) {
      channel.unsafe().outboundBuffer().setUserDefinedWritability(1, false);
      channel.runPendingTasks();
      channel.advanceTimeBy(59, TimeUnit.SECONDS);
      channel.runScheduledPendingTasks();
      assertThat(channel.isOpen()).isTrue();
      if (takes) {
        channel.unsafe().outboundBuffer().setUserDefinedWritability(1, true);
        channel.runPendingTasks();
      }
      channel.advanceTimeBy(2, TimeUnit.SECONDS);
      channel.runScheduledPendingTasks();
      assertThat(channel.isOpen()).isEqualTo(takes);
    }
  }
}
