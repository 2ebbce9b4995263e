package resure.contract;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.SocketChannel;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** Streams that are many, or not read. */
class ManyStreamsTest {

  private static final int STREAMS = 1000;
  private static final byte[] STEP = "event: step\n".getBytes(US_ASCII);

  private static LiveService live;

  @BeforeAll
  static void start() {
    live = LiveService.start();
  }

  @AfterAll
  static void stop() {
    live.close();
  }

  /** Counts what a stream tells. */
  private static final class Counted {
    int steps;
    int matched;

    /** Bytes may come in any pieces. */
    void take(ByteBuffer bytes) {
      while (bytes.hasRemaining()) {
        byte next = bytes.get();
        matched = next == STEP[matched] ? matched + 1 : next == STEP[0] ? 1 : 0;
        if (matched == STEP.length) {
          steps++;
          matched = 0;
        }
      }
    }
  }

  private static SocketChannel open(String run, int receiveBuffer) throws IOException {
    SocketChannel channel = SocketChannel.open();
    if (receiveBuffer > 0) {
      channel.setOption(StandardSocketOptions.SO_RCVBUF, receiveBuffer);
    }
    channel.connect(new InetSocketAddress("127.0.0.1", live.port()));
    channel.write(
        ByteBuffer.wrap(
            ("GET " + run + "/events HTTP/1.1\r\nHost: localhost\r\n\r\n").getBytes(US_ASCII)));
    return channel;
  }

  private static String batch(int step, int turns) {
    return "{\"step\":%d,\"dialogues\":[{\"id\":\"d\",\"losses\":[%s]}]}"
        .formatted(step, String.join(",", Collections.nCopies(turns, "1.2345678")));
  }

  /** Waits for the head of the answer and the first bytes of its body. */
  private static void begun(SocketChannel channel) throws IOException {
    StringBuilder text = new StringBuilder();
    ByteBuffer one = ByteBuffer.allocate(1);
    while (text.indexOf("retry: 1000") < 0) {
      one.clear();
      assertThat(channel.read(one)).isEqualTo(1);
      text.append((char) one.flip().get());
    }
    assertThat(text.toString()).startsWith("HTTP/1.1 200");
  }

  @Test
  void aThousandStreamsCostNoRequestAndMissNoEvent() throws Exception {
    List<String> runs = new ArrayList<>();
    for (int i = 0; i < 20; i++) {
      runs.add(live.newRun("{}"));
    }
    Selector selector = Selector.open();
    List<SocketChannel> channels = new ArrayList<>();
    List<Counted> counts = new ArrayList<>();
    try (selector) {
      for (int i = 0; i < STREAMS; i++) {
        SocketChannel channel = open(runs.get(i % runs.size()), 0);
        channels.add(channel);
        begun(channel);
        channel.configureBlocking(false);
        counts.add(new Counted());
        channel.register(selector, SelectionKey.OP_READ, counts.getLast());
      }
      int steps = 30;
      for (int step = 0; step <= steps; step++) {
        for (String run : runs) {
          // Fails if it is not answered with weights.
          live.score(run, batch(step, 4));
        }
      }
      long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
      ByteBuffer buffer = ByteBuffer.allocate(1 << 16);
      while (counts.stream().anyMatch(count -> count.steps < steps)
          && System.nanoTime() - deadline < 0) {
        selector.select(1000);
        for (SelectionKey key : selector.selectedKeys()) {
          buffer.clear();
          if (((SocketChannel) key.channel()).read(buffer) < 0) {
            throw new AssertionError("a stream ended");
          }
          ((Counted) key.attachment()).take(buffer.flip());
        }
        selector.selectedKeys().clear();
      }
      assertThat(counts).allMatch(count -> count.steps == steps);
    } finally {
      for (SocketChannel channel : channels) {
        channel.close();
      }
    }
  }

  @Test
  void whoDoesNotReadIsCutAndOthersAreNot() throws Exception {
    String run = live.newRun("{}");
    try (SocketChannel deaf = open(run, 1 << 12);
        EventStream other = EventStream.open(live, run, null)) {
      begun(deaf);
      int told = 0;
      // About 7 kB a step, more than socket buffers of both sides hold.
      for (int step = 0; step < 2500; step++) {
        live.score(run, batch(step, 64));
        if (step >= 64) {
          assertThat(other.next().data().get("step").asInt()).isEqualTo(told++);
        }
      }
      // What is in the buffers comes, and then the end, not everything.
      long bytes = 0;
      ByteBuffer buffer = ByteBuffer.allocate(1 << 16);
      try {
        for (int read = deaf.read(buffer); read >= 0; read = deaf.read(buffer)) {
          bytes += read;
          buffer.clear();
        }
      } catch (IOException e) {
        // Reset.
      }
      assertThat(bytes).isLessThan(2400 * 6000L);
      live.score(run, batch(2500, 64));
      while (told < 2500) {
        assertThat(other.next().data().get("step").asInt()).isEqualTo(told++);
      }
    }
  }
}
