package resure.journal;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.random.RandomGenerator;
import java.util.stream.IntStream;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;
import resure.observation.ObservationBatch;
import resure.observation.RunId;
import resure.observation.Weights;
import resure.statistics.Moments;
import resure.statistics.MomentsTable;
import resure.weighting.Configuration;
import resure.weighting.WeightFunction;
import resure.weighting.Weighting;

/** Entries to append in tests, and how two of them compare. */
public final class Entries {

  /** What the recorded bytes of earlier releases hold, whatever the defaults are now. */
  public static final Configuration CONFIGURATION =
      Configuration.DEFAULT.withWeighting(
          new Weighting(new WeightFunction.Exponential(), 1, 2, 0.05));

  /** When everything here happens. */
  public static final Instant AT = Instant.ofEpochMilli(1_767_225_600_123L);

  private Entries() {}

  /** A run of the default tenant with an incarnation of its own. */
  public static RunKey run(String name) {
    return new RunKey(new RunId(RunId.DEFAULT_TENANT, name), Incarnation.next(AT.toEpochMilli()));
  }

  /** The creation of a run with the default configuration. */
  public static JournalEntry.Created created() {
    return new JournalEntry.Created(AT, CONFIGURATION, Map.of("experiment", "test"));
  }

  /** What a release may write that comes after this one: whole, and of the next version. */
  public static byte[] ofALaterRelease(Incarnation owner, long sequence) {
    ByteBuffer encoded = new EntryFormat().encode(owner, sequence, new JournalEntry.Finished(AT));
    byte[] bytes = new byte[encoded.remaining()];
    encoded.get(bytes);
    bytes[0] = EntryFormat.VERSION + 1;
    int end = bytes.length - Integer.BYTES;
    CRC32C crc = new CRC32C();
    crc.update(
        ByteBuffer.allocate(24)
            .putLong(owner.high())
            .putLong(owner.low())
            .putLong(sequence)
            .array());
    crc.update(bytes, 0, end);
    ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).putInt(end, (int) crc.getValue());
    return bytes;
  }

  /** A batch of one dialogue with two losses, told apart by its step and rank. */
  public static JournalEntry.Batch batch(@Nullable String key, long step, long rank) {
    double[] losses = {1.5 + step, 0.25 * rank};
    ObservationBatch batch =
        new ObservationBatch(
            step,
            rank,
            0,
            null,
            new int[] {0, 2},
            losses,
            null,
            null,
            "d-17".getBytes(UTF_8),
            new int[] {4},
            List.of(),
            null,
            null,
            null);
    return new JournalEntry.Batch(
        AT, key, batch, new Weights(new double[] {1, 0.5}, 1, 1, false, false, false));
  }

  /**
   * A batch as a trainer sends it: float losses, ids like {@code sgd-5_00096}, a fifth of the
   * weights below 1.
   */
  public static JournalEntry.Batch batch(
      RandomGenerator random, @Nullable String key, long step, int dialogues, int turns) {
    int size = dialogues * turns;
    int[] offsets = new int[dialogues + 1];
    int[] idEnds = new int[dialogues];
    double[] losses = new double[size];
    double[] weights = new double[size];
    ByteArrayOutputStream ids = new ByteArrayOutputStream();
    for (int d = 0; d < dialogues; d++) {
      offsets[d + 1] = (d + 1) * turns;
      ids.writeBytes("sgd-5_%05d".formatted(random.nextInt(100_000)).getBytes(UTF_8));
      idEnds[d] = ids.size();
    }
    for (int i = 0; i < size; i++) {
      losses[i] = (float) (2 + random.nextGaussian());
      weights[i] = random.nextInt(5) == 0 ? 0.05 + 0.94 * random.nextDouble() : 1;
    }
    ObservationBatch batch =
        new ObservationBatch(
            step,
            0,
            0,
            null,
            offsets,
            losses,
            null,
            null,
            ids.toByteArray(),
            idEnds,
            List.of(),
            null,
            null,
            null);
    return new JournalEntry.Batch(
        AT, key, batch, new Weights(weights, 1, 0.94, false, false, false));
  }

  /** Asserts that two entries are the same bit for bit. */
  public static void assertSame(JournalEntry actual, JournalEntry expected) {
    if (actual instanceof JournalEntry.Batch a && expected instanceof JournalEntry.Batch e) {
      assertThat(a.at()).isEqualTo(e.at());
      assertThat(a.key()).isEqualTo(e.key());
      assertThat(a.batch().attempt()).isEqualTo(e.batch().attempt());
      assertThat(a.batch().losses()).isEqualTo(e.batch().losses());
      assertThat(a.batch().sameObservations(e.batch())).as("same observations").isTrue();
      assertThat(a.weights().raw()).isEqualTo(e.weights().raw());
      assertThat(a.weights().divisor()).isEqualTo(e.weights().divisor());
      assertThat(a.weights().runMean()).isEqualTo(e.weights().runMean());
      assertThat(a.weights().warmingUp()).isEqualTo(e.weights().warmingUp());
      assertThat(a.weights().late()).isEqualTo(e.weights().late());
      assertThat(a.weights().shadow()).isEqualTo(e.weights().shadow());
    } else if (actual instanceof JournalEntry.Created a
        && expected instanceof JournalEntry.Created e
        && a.start() != null
        && e.start() != null) {
      assertThat(new JournalEntry.Created(a.at(), a.configuration(), a.labels()))
          .isEqualTo(new JournalEntry.Created(e.at(), e.configuration(), e.labels()));
      assertThat(a.start().asked()).isEqualTo(e.start().asked());
      assertThat(a.start().step()).isEqualTo(e.start().step());
      assertThat(moments(a.start().triples())).isEqualTo(moments(e.start().triples()));
    } else {
      assertThat(actual).isEqualTo(expected);
    }
  }

  private static List<Moments> moments(MomentsTable triples) {
    return IntStream.range(0, triples.slots()).mapToObj(triples::moments).toList();
  }

  /** What appends to a run as its journal is now. */
  public static Append next(Journal journal, RunKey run, JournalEntry... entries)
      throws JournalException {
    Head head = journal.head(run);
    return new Append(run, head == null ? Head.NONE : head, List.of(entries));
  }

  /** Appends to a run what must be taken. */
  public static Head append(Journal journal, RunKey run, JournalEntry... entries)
      throws JournalException {
    Head head = journal.append(List.of(next(journal, run, entries))).get(run);
    if (head == null) {
      throw new AssertionError(run + " conflicts with " + List.of(entries));
    }
    return head;
  }
}
