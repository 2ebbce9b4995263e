package resure.bench;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import resure.statistics.BatchReducer;
import resure.statistics.MomentsTable;
import resure.weighting.Configuration;
import resure.weighting.Weigher;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** A peer that weighed otherwise would be measured for other work. */
class PeersTest {

  /** The second is the system's, where another one comes first on the path. */
  private static final List<String> PYTHONS = List.of("python3", "/usr/bin/python3");

  private static final int BATCHES = 40;

  @TempDir private Path directory;

  @Test
  void fastApiAnswersTheWeightsOfTheCore() throws Exception {
    String python = pythonWithFastApi();
    assumeTrue(!python.isEmpty(), "python3-fastapi, python3-uvicorn and python3-numpy");
    try (ServerProcess peer = Peers.fastApi(python, directory, directory.resolve("log"))) {
      peer.awaitReady();
      assertWeightsOfTheCore(peer, new BatchRequests(Shape.S, 1, 1, false));
    }
  }

  private static String pythonWithFastApi() throws InterruptedException {
    for (String python : PYTHONS) {
      if (Peers.hasFastApi(python)) {
        return python;
      }
    }
    return "";
  }

  @Test
  void redisAnswersTheWeightsOfTheCore() throws Exception {
    assumeTrue(Peers.hasRedis(), "redis-server");
    try (ServerProcess peer = Peers.redis(directory.resolve("state"), directory.resolve("log"))) {
      assertWeightsOfTheCore(peer, Peers.requests(peer, Shape.S, 1, 1));
      try (LoadClient client = new LoadClient(peer.port(), 3)) {
        assertThat(client.drive(Peers.requests(peer, Shape.S, 2, 2), 100).requests())
            .isEqualTo(100);
      }
    }
  }

  private static void assertWeightsOfTheCore(ServerProcess peer, BatchRequests requests)
      throws IOException {
    MomentsTable triples = new MomentsTable();
    int lowered = 0;
    try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), peer.port())) {
      for (int batch = 0; batch < BATCHES; batch++) {
        double[] expected = weights(Losses.batch(Shape.S, batch), triples);
        JsonNode rows = exchange(socket, requests).get("weights");
        assertThat(rows).hasSize(Shape.S.dialogues());
        int i = 0;
        for (JsonNode row : rows) {
          assertThat(row).hasSize(Shape.S.turns());
          for (JsonNode weight : row) {
            assertThat(weight.doubleValue()).isCloseTo(expected[i], within(1e-9));
            lowered += expected[i++] < 1 ? 1 : 0;
          }
        }
      }
    }
    assertThat(lowered).isGreaterThan(BATCHES * Shape.S.losses() / 10);
  }

  /** What a run of default configuration answers whose every batch is a step. */
  private static double[] weights(double[] losses, MomentsTable triples) {
    Configuration configuration = Configuration.DEFAULT;
    int[] offsets = new int[Shape.S.dialogues() + 1];
    for (int dialogue = 0; dialogue < offsets.length; dialogue++) {
      offsets[dialogue] = dialogue * Shape.S.turns();
    }
    Weigher weigher = new Weigher(configuration, triples.copy());
    double[] weights = new double[losses.length];
    for (int dialogue = 0; dialogue < Shape.S.dialogues(); dialogue++) {
      weigher.weigh(losses, offsets[dialogue], offsets[dialogue + 1], 0, weights);
    }
    triples.fold(
        List.of(
            new BatchReducer()
                .reduce(
                    losses,
                    offsets,
                    null,
                    configuration.maxTurns(),
                    configuration.maxLoss(),
                    weigher.caps())),
        configuration.halfLife());
    return weights;
  }

  private static JsonNode exchange(Socket socket, BatchRequests requests) throws IOException {
    ByteBuffer request = ByteBuffer.allocate(requests.capacity());
    requests.next(request);
    socket.getOutputStream().write(request.array(), 0, request.position());
    ByteBuffer answer = ByteBuffer.allocate(64 * 1024);
    int length = 0;
    while (length == 0 || answer.position() < length) {
      int read =
          socket.getInputStream().read(answer.array(), answer.position(), answer.remaining());
      assertThat(read).isPositive();
      answer.position(answer.position() + read);
      length = requests.answers().length(answer);
    }
    String text = new String(answer.array(), 0, length, US_ASCII);
    return JsonMapper.shared()
        .readTree(text.substring(text.indexOf("{\"weights"), text.lastIndexOf('}') + 1));
  }
}
