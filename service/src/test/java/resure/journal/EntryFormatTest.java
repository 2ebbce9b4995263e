package resure.journal;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static java.nio.charset.StandardCharsets.UTF_8;
import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayOutputStream;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.SplittableRandom;
import java.util.random.RandomGenerator;
import java.util.stream.Stream;
import java.util.zip.CRC32C;
import net.jqwik.api.Example;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import resure.observation.ObservationBatch;
import resure.observation.Retention;
import resure.observation.StartFrom;
import resure.observation.Weights;
import resure.statistics.Moments;
import resure.statistics.MomentsTable;
import resure.weighting.Configuration;
import resure.weighting.FoldRule;
import resure.weighting.Normalization;
import resure.weighting.Propagation;
import resure.weighting.WeightFunction;
import resure.weighting.Weighting;

class EntryFormatTest {

  private static final Incarnation OWNER =
      new Incarnation(0x0123_4567_89AB_CDEFL, 0xFEDC_BA98_7654_3210L);

  private static byte[] encode(long sequence, JournalEntry entry) {
    return bytes(new EntryFormat().encode(OWNER, sequence, entry));
  }

  private static byte[] bytes(ByteBuffer buffer) {
    byte[] bytes = new byte[buffer.remaining()];
    buffer.get(bytes);
    return bytes;
  }

  /** A value that a loss may have, of every sort. */
  private static double loss(RandomGenerator random, boolean floats) {
    double value =
        switch (random.nextInt(12)) {
          case 0 -> Double.NaN;
          case 1 -> Double.POSITIVE_INFINITY;
          case 2 -> Double.NEGATIVE_INFINITY;
          case 3 -> -0.0;
          case 4 -> Float.MIN_VALUE;
          case 5 -> Float.MAX_VALUE;
          case 6 -> floats ? 1 : Double.longBitsToDouble(random.nextLong());
          default -> random.nextGaussian();
        };
    return floats ? (float) value : value;
  }

  private static long count(RandomGenerator random) {
    return random.nextLong() >>> (11 + random.nextInt(53));
  }

  /** A batch of any shape that the contract allows, small. */
  private static JournalEntry.Batch anyBatch(RandomGenerator random) {
    int dialogues = random.nextInt(5);
    int[] offsets = new int[dialogues + 1];
    int[] idEnds = new int[dialogues];
    long[] firstTurns = new long[dialogues];
    int[] sourceOf = new int[dialogues];
    ByteArrayOutputStream ids = new ByteArrayOutputStream();
    for (int d = 0; d < dialogues; d++) {
      offsets[d + 1] = offsets[d] + (random.nextInt(8) == 0 ? 200 : random.nextInt(6));
      ids.writeBytes("d-\u00e9\u4e16\ud83d\ude00".repeat(random.nextInt(3)).getBytes(UTF_8));
      idEnds[d] = ids.size();
      firstTurns[d] = count(random);
      sourceOf[d] = random.nextInt(3) - 1;
    }
    int size = offsets[dialogues];
    boolean floats = random.nextBoolean();
    double[] losses = new double[size];
    double[] raw = new double[size];
    double[] applied = new double[size];
    long[] tokens = new long[size];
    long[] nulls = new long[(size + 63) / 64];
    boolean blanks = random.nextBoolean();
    for (int i = 0; i < size; i++) {
      losses[i] = loss(random, floats);
      tokens[i] = count(random);
      raw[i] = random.nextInt(3) == 0 ? 1 - random.nextDouble() : 1;
      applied[i] = random.nextInt(3) == 0 ? random.nextDouble() * 9 : random.nextInt(2);
      if (blanks && random.nextInt(4) == 0) {
        losses[i] = Double.NaN;
        raw[i] = 0;
        applied[i] = Double.NaN;
        nulls[i / 64] |= 1L << i;
      }
    }
    boolean sources = random.nextBoolean();
    ObservationBatch batch =
        new ObservationBatch(
            random.nextBoolean() ? ObservationBatch.NO_STEP : count(random),
            count(random),
            count(random),
            random.nextBoolean() ? null : "job-\u00fc" + random.nextInt(),
            offsets,
            losses,
            random.nextBoolean() ? null : nulls,
            random.nextBoolean() ? null : firstTurns,
            ids.toByteArray(),
            idEnds,
            sources ? List.of("sharegpt", "\u6570\u636e") : List.of(),
            sources ? sourceOf : null,
            random.nextBoolean() ? null : tokens,
            random.nextBoolean() ? null : applied);
    Weights weights =
        new Weights(
            raw,
            random.nextBoolean() ? 1 : random.nextDouble(),
            random.nextBoolean() ? 1 : random.nextDouble(),
            random.nextBoolean(),
            random.nextBoolean(),
            random.nextBoolean());
    return new JournalEntry.Batch(
        Instant.ofEpochMilli(random.nextLong() >> random.nextInt(64)),
        random.nextBoolean() ? null : "key/" + random.nextInt(),
        batch,
        weights);
  }

  @Property(tries = 2000)
  void everyBatchIsDecodedToTheSameBits(@ForAll long seed) throws Exception {
    JournalEntry.Batch batch = anyBatch(new SplittableRandom(seed));

    Entries.assertSame(EntryFormat.decode(OWNER, 9, encode(9, batch)), batch);
  }

  @Property(tries = 200)
  void anEncoderThatIsUsedAgainWritesTheSameBytes(@ForAll long seed) {
    RandomGenerator random = new SplittableRandom(seed);
    EntryFormat reused = new EntryFormat();
    for (int i = 1; i < 10; i++) {
      JournalEntry.Batch batch =
          i == 5 ? Entries.batch(random, "large", 1, 128, 16) : anyBatch(random);
      assertThat(bytes(reused.encode(OWNER, i, batch))).isEqualTo(encode(i, batch));
    }
  }

  @Example
  void everyFunctionFoldRuleAndNormalizationIsKept() throws Exception {
    for (WeightFunction function : WeightFunction.ALL) {
      for (FoldRule fold : FoldRule.values()) {
        for (Normalization normalization : Normalization.values()) {
          JournalEntry created =
              new JournalEntry.Created(
                  Entries.AT,
                  new Configuration(
                      new Weighting(function, -1.25, 3, 1),
                      2,
                      1024,
                      1e100,
                      4000,
                      16,
                      fold,
                      new Propagation(0.5, 1),
                      normalization,
                      true),
                  Map.of());
          assertThat(EntryFormat.decode(OWNER, 1, encode(1, created))).isEqualTo(created);
        }
      }
    }
  }

  @Example
  void everyFlippedBitOfAnEntryIsFound() {
    for (JournalEntry entry : Stream.concat(golden().stream(), withActors().stream()).toList()) {
      byte[] bytes = encode(3, entry);
      for (int bit = 0; bit < 8 * bytes.length; bit++) {
        byte[] flipped = bytes.clone();
        flipped[bit / 8] ^= (byte) (1 << bit % 8);
        assertThatThrownBy(() -> EntryFormat.decode(OWNER, 3, flipped))
            .as("bit %d of %s", bit, entry)
            .isInstanceOf(CorruptJournalException.class);
      }
    }
  }

  @Example
  void everyShorterOrLongerEntryIsFound() {
    byte[] bytes = encode(3, Entries.batch("key", 1, 2));
    for (int length = 0; length < bytes.length + 3; length++) {
      if (length != bytes.length) {
        byte[] cut = Arrays.copyOf(bytes, length);
        assertThatThrownBy(() -> EntryFormat.decode(OWNER, 3, cut))
            .as("%d of %d bytes", length, bytes.length)
            .isInstanceOf(CorruptJournalException.class);
      }
    }
  }

  @Example
  void anEntryInAnothersPlaceIsFound() {
    byte[] bytes = encode(3, Entries.batch("key", 1, 2));

    assertThatThrownBy(() -> EntryFormat.decode(OWNER, 4, bytes))
        .isInstanceOf(CorruptJournalException.class)
        .hasMessageContaining("entry 4 of " + OWNER);
    assertThatThrownBy(
            () -> EntryFormat.decode(new Incarnation(OWNER.high(), OWNER.low() + 1), 3, bytes))
        .isInstanceOf(CorruptJournalException.class);
  }

  /** What a broken writer could leave: the checksum is right, the content is not. */
  @Property(tries = 3000)
  void wrongContentUnderARightChecksumIsRefusedOrDecodedAndNothingElse(@ForAll long seed) {
    RandomGenerator random = new SplittableRandom(seed);
    byte[] bytes = encode(3, anyBatch(random));
    for (int i = random.nextInt(4); i >= 0; i--) {
      bytes[2 + random.nextInt(bytes.length - 6)] = (byte) random.nextInt();
    }
    ByteBuffer owned =
        ByteBuffer.allocate(24).putLong(OWNER.high()).putLong(OWNER.low()).putLong(3);
    CRC32C crc = new CRC32C();
    crc.update(owned.array());
    crc.update(bytes, 0, bytes.length - 4);
    ByteBuffer.wrap(bytes)
        .order(ByteOrder.LITTLE_ENDIAN)
        .putInt(bytes.length - 4, (int) crc.getValue());
    try {
      EntryFormat.decode(OWNER, 3, bytes);
    } catch (CorruptJournalException expected) {
      assertThat(expected).hasMessageNotContaining("checksum");
    }
  }

  @Example
  void aNewerVersionIsSaidToBeOne() {
    byte[] bytes = Entries.ofALaterRelease(OWNER, 3);

    assertThatThrownBy(() -> EntryFormat.decode(OWNER, 3, bytes))
        .isInstanceOf(NewerFormatException.class)
        .hasMessage(
            "entry 3 of %s was written by a newer release (format %d, this one reads up to %d)",
            OWNER, EntryFormat.VERSION + 1, EntryFormat.VERSION);
  }

  @Example
  void anObservationTakesFewBytes() {
    Random random = new Random(11);
    double large = encode(7, Entries.batch(random, "sft-42/120/0/0", 120, 128, 16)).length;
    double small = encode(7, Entries.batch(random, "sft-42/120/0/0", 120, 16, 8)).length;

    assertThat(large / (128 * 16)).as("bytes per observation, 128 x 16").isLessThan(8);
    assertThat(small / (16 * 8)).as("bytes per observation, 16 x 8").isLessThan(10);
  }

  @Example
  void unusableLossesInWarmUpCostNoWeight() {
    JournalEntry.Batch batch = Entries.batch(new Random(1), null, 0, 16, 8);
    double[] weights = new double[128];
    int allUnusable = encode(2, withWeights(batch, weights)).length;
    Arrays.fill(weights, 1);
    int allOne = encode(2, withWeights(batch, weights)).length;

    assertThat(allUnusable - allOne).as("bytes for 128 weights of 0").isLessThanOrEqualTo(32);
  }

  private static JournalEntry.Batch withWeights(JournalEntry.Batch batch, double[] weights) {
    return new JournalEntry.Batch(
        batch.at(), null, batch.batch(), new Weights(weights, 1, 1, true, false, false));
  }

  @Example
  void everyStartIsKeptToTheLastBit() throws Exception {
    for (StartFrom asked :
        List.of(
            new StartFrom("a", null, Double.POSITIVE_INFINITY),
            new StartFrom("x".repeat(128), 0L, 2),
            new StartFrom("b", (1L << 53) - 1, 1e300))) {
      MomentsTable triples = new MomentsTable();
      triples.set(0, new Moments(12.345678901234567, -0.1, 1e-300, 1L << 40));
      triples.set(1023, new Moments(1, 1e9, 0, 1));
      for (Long step : new Long[] {null, 7L}) {
        JournalEntry.Created created =
            new JournalEntry.Created(
                Entries.AT,
                Configuration.DEFAULT,
                Map.of(),
                new Start(asked, step, triples),
                Retention.ALL);
        Entries.assertSame(EntryFormat.decode(OWNER, 1, encode(1, created)), created);
      }
    }
  }

  @Example
  void aRunThatWasCreatedWithFlagsThatNobodyKnowsIsRefused() {
    byte[] bytes = encode(1, new JournalEntry.Created(Entries.AT, Configuration.DEFAULT, Map.of()));
    // The flags, then no labels, then the checksum.
    bytes[bytes.length - 6] = 8;

    assertThatThrownBy(() -> EntryFormat.decode(OWNER, 1, sealed(1, bytes)))
        .isInstanceOf(CorruptJournalException.class)
        .hasMessageContaining("flags 8");
  }

  /** With the checksum that fits. */
  private static byte[] sealed(long sequence, byte[] bytes) {
    CRC32C crc = new CRC32C();
    crc.update(
        ByteBuffer.allocate(24)
            .putLong(OWNER.high())
            .putLong(OWNER.low())
            .putLong(sequence)
            .array());
    crc.update(bytes, 0, bytes.length - 4);
    ByteBuffer.wrap(bytes)
        .order(ByteOrder.LITTLE_ENDIAN)
        .putInt(bytes.length - 4, (int) crc.getValue());
    return bytes;
  }

  /** The entries of the golden file, one of each kind and a batch with every column. */
  private static List<JournalEntry> golden() {
    Configuration configuration =
        new Configuration(
            new Weighting(new WeightFunction.Cauchy(), 0.5, 2.5, 0.0625),
            16,
            32,
            50,
            4000,
            1,
            FoldRule.RAW,
            new Propagation(0.25, 0.75),
            Normalization.RUN_MEAN,
            true);
    ObservationBatch full =
        new ObservationBatch(
            120,
            3,
            1,
            "job-7731",
            new int[] {0, 3, 3, 5},
            new double[] {2.31, Double.NaN, -0.0, Double.POSITIVE_INFINITY, 1.1},
            new long[] {0b00010},
            new long[] {4, 0, 300},
            "d-17\u00e9d-90".getBytes(UTF_8),
            new int[] {4, 6, 10},
            List.of("sharegpt", "sgd"),
            new int[] {0, -1, 1},
            new long[] {12, 0, 1, 128, 70_000},
            new double[] {0.5, Double.NaN, 1, 0, 0.125});
    Weights weights = new Weights(new double[] {0.92, 0, 1, 0, 0.31}, 0.94, 0.9, true, true, true);
    return List.of(
        new JournalEntry.Created(
            Entries.AT, configuration, Map.of("experiment", "sgd-clean", "host", "n\u00f8rd")),
        new JournalEntry.Batch(Entries.AT, "sft-42/120/3/1", full, weights),
        Entries.batch(null, 7, 2),
        new JournalEntry.Rewound(Entries.AT, 5000, "job-7802"),
        new JournalEntry.Rewound(Entries.AT, 0, null),
        new JournalEntry.Finished(Instant.ofEpochMilli(-1)),
        new JournalEntry.Deleted(Entries.AT),
        new JournalEntry.Created(
            Entries.AT,
            configuration,
            Map.of("experiment", "sgd-clean"),
            new Start(new StartFrom("sft-41", 9000L, 500), 9000L, triples()),
            Retention.ALL),
        new JournalEntry.Created(
            Entries.AT,
            Entries.CONFIGURATION,
            Map.of(),
            new Start(new StartFrom("sft-40", null, Double.POSITIVE_INFINITY), null, triples()),
            Retention.ALL),
        new JournalEntry.Created(
            Entries.AT,
            Entries.CONFIGURATION,
            Map.of("experiment", "kept"),
            new Start(new StartFrom("sft-40", null, Double.POSITIVE_INFINITY), null, triples()),
            new Retention(5000)),
        new JournalEntry.Trimmed(Entries.AT, 4001, 16_002),
        new JournalEntry.Evaluated(Entries.AT, 5000, "MT-Bench \u00fc", -6.125));
  }

  private static MomentsTable triples() {
    MomentsTable triples = new MomentsTable();
    triples.set(0, new Moments(500, 2.31, 860.5, 5120));
    triples.set(2, new Moments(12.25, -0.125, 0, 13));
    return triples;
  }

  /** The entries of the golden file of version 2: one of each kind that there is in it. */
  private static List<JournalEntry> withActors() {
    return List.of(
        new JournalEntry.Created(
            Entries.AT,
            Entries.CONFIGURATION,
            Map.of("experiment", "kept"),
            new Start(new StartFrom("sft-40", null, Double.POSITIVE_INFINITY), null, triples()),
            new Retention(5000),
            "token 3f9c2a71"),
        new JournalEntry.Rewound(
            Entries.AT, 5000, "job-7802", "https://id.example/realm trainer-7"),
        new JournalEntry.Rewound(Entries.AT, 0, null, "token 00000000"),
        new JournalEntry.Finished(Entries.AT, "https://id.example/realm l\u00e9a"));
  }

  /**
   * The files hold what each version wrote, an entry a line, from sequence 1; lines never change.
   */
  @Example
  void theEntriesOfEveryVersionAreReadForEver() throws Exception {
    isReadForEver("entries-v1.hex", golden());
    isReadForEver("entries-v2.hex", withActors());
  }

  @Example
  void onlyWhatHasAnActorIsOfVersion2() throws Exception {
    for (JournalEntry entry : golden()) {
      assertThat(encode(1, entry)[0]).isEqualTo((byte) 1);
    }
    for (JournalEntry entry : withActors()) {
      assertThat(encode(1, entry)[0]).isEqualTo((byte) 2);
    }
    // A batch that says that it is of version 2: what follows its time would be an actor.
    byte[] batch = encode(1, Entries.batch(null, 7, 2));
    batch[0] = 2;
    assertThatThrownBy(() -> EntryFormat.decode(OWNER, 1, sealed(1, batch)))
        .isInstanceOf(CorruptJournalException.class);
  }

  private static void isReadForEver(String name, List<JournalEntry> expected) throws Exception {
    List<String> lines;
    try (InputStream file = EntryFormatTest.class.getResourceAsStream(name)) {
      lines = new String(requireNonNull(file).readAllBytes(), US_ASCII).lines().toList();
    }
    List<String> written = new ArrayList<>();
    for (int i = 0; i < expected.size(); i++) {
      written.add(HexFormat.of().formatHex(encode(i + 1, expected.get(i))));
    }
    assertThat(lines).as("what this release writes, in hexadecimal").isEqualTo(written);
    for (int i = 0; i < lines.size(); i++) {
      byte[] bytes = HexFormat.of().parseHex(lines.get(i));
      Entries.assertSame(EntryFormat.decode(OWNER, i + 1, bytes), expected.get(i));
    }
  }
}
