package resure.projection;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.ByteArrayOutputStream;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import resure.observation.ObservationBatch;

/** Batches of dialogues that come again, for tests. */
final class Visitors {

  private static final List<String> SOURCES = List.of("sgd", "share,gpt", "=oasst");

  private Visitors() {}

  /** A batch of some of {@code dialogues}, one perhaps twice; some losses null or unusable. */
  static ObservationBatch batch(Random random, long step, long rank, int dialogues) {
    int count = random.nextInt(6);
    int[] offsets = new int[count + 1];
    int[] sourceOf = new int[count];
    int[] idEnds = new int[count];
    ByteArrayOutputStream ids = new ByteArrayOutputStream();
    List<Double> losses = new ArrayList<>();
    List<Integer> nulls = new ArrayList<>();
    for (int d = 0; d < count; d++) {
      int id = random.nextInt(dialogues);
      ids.writeBytes(("dialogue " + id + (id % 7 == 0 ? "ü".repeat(id % 5) : "")).getBytes(UTF_8));
      idEnds[d] = ids.size();
      sourceOf[d] = random.nextInt(4) - 1;
      for (int turn = random.nextInt(6); turn > 0; turn--) {
        double loss = 2 + id % 3 + random.nextGaussian();
        switch (random.nextInt(12)) {
          case 0 -> {
            nulls.add(losses.size());
            losses.add(Double.NaN);
          }
          case 1 -> losses.add(random.nextBoolean() ? Double.NaN : 1e9);
          default -> losses.add(loss);
        }
      }
      offsets[d + 1] = losses.size();
    }
    long[] unsupervised = new long[(losses.size() + 63) / 64];
    nulls.forEach(i -> unsupervised[i / 64] |= 1L << i);
    return new ObservationBatch(
        step,
        rank,
        0,
        null,
        offsets,
        losses.stream().mapToDouble(Double::doubleValue).toArray(),
        unsupervised,
        null,
        ids.toByteArray(),
        idEnds,
        SOURCES,
        sourceOf,
        null,
        null);
  }
}
