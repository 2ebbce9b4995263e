package resure.journal;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;
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

/**
 * The bytes of an entry. Numbers are little-endian; {@code varint} is seven bits a byte, lowest
 * first; {@code text} is a varint of its length in bytes, then UTF-8.
 *
 * <pre>
 *   +---------+------+------------------+--------+---------------------+-----------+
 *   | version | kind | at: milliseconds | actor* | what the kind needs | CRC-32C   |
 *   | 1 byte  | 1    | zigzag varint    | text   |                     | 4         |
 *   +---------+------+------------------+--------+---------------------+-----------+
 *
 *   * only in version 2, in which there are created, rewound and finished. Without an actor an
 *     entry is of version 1, which every release reads.
 *
 *   CRC-32C over: incarnation (16, big-endian), sequence (8, big-endian), all bytes before it
 *
 *   1 created   function text, threshold, sharpness, floor (8 each), warmUp, maxTurns (varints),
 *               maxLoss, halfLife (8 each), lag (varint), fold text, propagation strength and
 *               decay (8 each), normalization text, flags (1; bits from the lowest: shadow, start,
 *               retention), labels: number (varint), each its key and value (texts), sorted by key;
 *               start, only if its flag is set:
 *                 run (text), whether a step was asked for (1), that step (varint), observations
 *                 (8), whether it came to a step (1), that step (varint), triples: number
 *                 (varint), each its n, mean, M2 (8 each) and seen (varint)
 *               retention, only if its flag is set: steps (varint); without it, all
 *   2 batch     see below
 *   3 rewound   nextStep (varint), whether it names an attempt (1), the attempt (text)
 *   4 finished  nothing
 *   5 deleted   nothing
 *   6 trimmed   earliestStep, firstSequence (varints)
 *   7 evaluated step (varint), benchmark (text), score (8)
 *
 *   batch, every part but those marked * only if its flag is set:
 *     flags *              2 bytes, bits from the lowest: step, key, attempt, wide losses, nulls,
 *                          first turns, sources, tokens, applied weights, warming up, late,
 *                          shadow, divisor, run mean
 *     step                 varint
 *     rank, microBatch *   varints
 *     key, attempt         texts
 *     divisor, run mean    8 each; 1.0 without the flag
 *     dialogues *          number (varint), then of each its number of losses (varint)
 *     losses *             4-byte floats, exactly the losses; 8-byte doubles if wide
 *     nulls                1 bit a loss in 8-byte words: it was null
 *     first turns          varint a dialogue
 *     ids *                varint a dialogue: length in bytes; then all of them in UTF-8
 *     sources              number (varint), texts; varint a dialogue: 1 + index, 0 for none
 *     tokens               varint a loss
 *     applied weights      column of weights; blank is NaN
 *     raw weights *        column of weights; blank is 0
 *
 *   column of weights: shape (1), then
 *     0  nothing: all are 1
 *     1  1 bit a loss in 8-byte words: it is 1;  8 bytes each of the others
 *     2  the same bits;  1 bit a loss in words: it is blank;  8 bytes each of the others
 * </pre>
 *
 * <p>The checksum covers whose entry it is, so that a whole record in another's place is found. It
 * is looked at before anything else: what is decoded was written so.
 *
 * <p>Encoding reuses one buffer; an instance serves one thread at a time.
 */
public final class EntryFormat {

  /** The newest version that is known here. */
  public static final int VERSION = 2;

  private static final int WITHOUT_ACTOR = 1;

  static final byte ALL_ONE = 0;
  static final byte ONES = 1;
  static final byte ONES_AND_BLANKS = 2;

  private static final int CREATED = 1;
  private static final int BATCH = 2;
  private static final int REWOUND = 3;
  private static final int FINISHED = 4;
  private static final int DELETED = 5;
  private static final int TRIMMED = 6;
  private static final int EVALUATED = 7;

  private static final int CREATED_SHADOW = 1;
  private static final int CREATED_START = 1 << 1;
  private static final int CREATED_RETENTION = 1 << 2;
  private static final int CREATED_FLAGS = CREATED_SHADOW | CREATED_START | CREATED_RETENTION;

  private static final int STEP = 1;
  private static final int KEY = 1 << 1;
  private static final int ATTEMPT = 1 << 2;
  private static final int WIDE_LOSSES = 1 << 3;
  private static final int NULLS = 1 << 4;
  private static final int FIRST_TURNS = 1 << 5;
  private static final int SOURCES = 1 << 6;
  private static final int TOKENS = 1 << 7;
  private static final int APPLIED_WEIGHTS = 1 << 8;
  private static final int WARMING_UP = 1 << 9;
  private static final int LATE = 1 << 10;
  private static final int SHADOW = 1 << 11;
  private static final int DIVISOR = 1 << 12;
  private static final int RUN_MEAN = 1 << 13;

  private static final double NO_APPLIED_WEIGHT = Double.NaN;
  private static final double UNUSABLE = 0;

  private static final int CHECKSUM_BYTES = 4;
  private static final int OWNER_BYTES = 24;
  private static final VarHandle BIG_ENDIAN_LONG =
      MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.BIG_ENDIAN);

  private final EntryOutput output = new EntryOutput();
  private final CRC32C crc = new CRC32C();
  private final byte[] owner = new byte[OWNER_BYTES];
  private ByteBuffer encoded = ByteBuffer.wrap(output.bytes());

  /** With a buffer of its own. */
  public EntryFormat() {}

  /**
   * Encodes an entry.
   *
   * @return the bytes, from position to limit of a heap buffer; valid until the next call
   */
  public ByteBuffer encode(Incarnation incarnation, long sequence, JournalEntry entry) {
    EntryOutput out = output;
    out.clear();
    out.putByte(entry.actor() == null ? WITHOUT_ACTOR : VERSION);
    switch (entry) {
      case JournalEntry.Created created -> {
        begin(out, CREATED, created);
        putCreated(out, created);
      }
      case JournalEntry.Batch batch -> {
        begin(out, BATCH, batch);
        putBatch(out, batch.key(), batch.batch(), batch.weights());
      }
      case JournalEntry.Rewound rewound -> {
        begin(out, REWOUND, rewound);
        out.putVarint(rewound.nextStep());
        String attempt = rewound.attempt();
        out.putByte(attempt == null ? 0 : 1);
        if (attempt != null) {
          out.putText(attempt);
        }
      }
      case JournalEntry.Finished finished -> begin(out, FINISHED, finished);
      case JournalEntry.Trimmed trimmed -> {
        begin(out, TRIMMED, trimmed);
        out.putVarint(trimmed.earliestStep());
        out.putVarint(trimmed.firstSequence());
      }
      case JournalEntry.Evaluated evaluated -> {
        begin(out, EVALUATED, evaluated);
        out.putVarint(evaluated.step());
        out.putText(evaluated.benchmark());
        out.putDouble(evaluated.score());
      }
      case JournalEntry.Deleted deleted -> begin(out, DELETED, deleted);
    }
    out.putInt(checksum(crc, owner, incarnation, sequence, out.bytes(), out.size()));
    if (encoded.capacity() != out.bytes().length) {
      encoded = ByteBuffer.wrap(out.bytes());
    }
    return encoded.clear().limit(out.size());
  }

  /**
   * Decodes an entry.
   *
   * @param incarnation whose it should be
   * @param sequence which it should be
   * @throws CorruptJournalException when the bytes are not exactly what was encoded for these, or
   *     of a newer version
   */
  public static JournalEntry decode(Incarnation incarnation, long sequence, byte[] bytes)
      throws CorruptJournalException {
    int end = bytes.length - CHECKSUM_BYTES;
    if (end < 2
        || EntryInput.intAt(bytes, end)
            != checksum(new CRC32C(), new byte[OWNER_BYTES], incarnation, sequence, bytes, end)) {
      throw new CorruptJournalException(
          "entry " + sequence + " of " + incarnation + " is damaged: its checksum is wrong");
    }
    if (bytes[0] > VERSION) {
      throw new NewerFormatException(
          "entry %d of %s".formatted(sequence, incarnation), bytes[0], VERSION);
    }
    if (bytes[0] < WITHOUT_ACTOR) {
      throw new CorruptJournalException(
          "entry %d of %s is of no version".formatted(sequence, incarnation));
    }
    EntryInput in = new EntryInput(bytes, 1, end);
    int kind = in.takeByte();
    Instant at = Instant.ofEpochMilli(in.takeSignedVarint());
    String actor = bytes[0] == WITHOUT_ACTOR ? null : in.takeText();
    JournalEntry entry =
        switch (kind) {
          case CREATED -> takeCreated(in, at, actor);
          case BATCH -> takeBatch(in, at);
          case REWOUND ->
              new JournalEntry.Rewound(
                  at, in.takeVarint(), in.takeByte() == 0 ? null : in.takeText(), actor);
          case FINISHED -> new JournalEntry.Finished(at, actor);
          case TRIMMED -> new JournalEntry.Trimmed(at, in.takeVarint(), in.takeVarint());
          case EVALUATED ->
              new JournalEntry.Evaluated(at, in.takeVarint(), in.takeText(), in.takeDouble());
          case DELETED -> new JournalEntry.Deleted(at);
          default -> throw new CorruptJournalException("unknown kind of entry " + kind);
        };
    in.requireEnd();
    if (!Objects.equals(entry.actor(), actor)) {
      throw new CorruptJournalException("an entry of kind " + kind + " has an actor");
    }
    return entry;
  }

  private static int checksum(
      CRC32C crc, byte[] owner, Incarnation incarnation, long sequence, byte[] bytes, int count) {
    BIG_ENDIAN_LONG.set(owner, 0, incarnation.high());
    BIG_ENDIAN_LONG.set(owner, 8, incarnation.low());
    BIG_ENDIAN_LONG.set(owner, 16, sequence);
    crc.reset();
    crc.update(owner, 0, owner.length);
    crc.update(bytes, 0, count);
    return (int) crc.getValue();
  }

  private static void begin(EntryOutput out, int kind, JournalEntry entry) {
    out.putByte(kind);
    out.putSignedVarint(entry.at().toEpochMilli());
    String actor = entry.actor();
    if (actor != null) {
      out.putText(actor);
    }
  }

  private static void putCreated(EntryOutput out, JournalEntry.Created created) {
    Configuration configuration = created.configuration();
    Weighting weighting = configuration.weighting();
    out.putText(weighting.function().label());
    out.putDouble(weighting.threshold());
    out.putDouble(weighting.sharpness());
    out.putDouble(weighting.floor());
    out.putVarint(configuration.warmUp());
    out.putVarint(configuration.maxTurns());
    out.putDouble(configuration.maxLoss());
    out.putDouble(configuration.halfLife());
    out.putVarint(configuration.lag());
    out.putText(configuration.fold().label());
    out.putDouble(configuration.propagation().strength());
    out.putDouble(configuration.propagation().decay());
    out.putText(configuration.normalization().label());
    Start start = created.start();
    Retention retention = created.retention();
    out.putByte(
        (configuration.shadow() ? CREATED_SHADOW : 0)
            | (start == null ? 0 : CREATED_START)
            | (retention.keepsAll() ? 0 : CREATED_RETENTION));
    out.putVarint(created.labels().size());
    new TreeMap<>(created.labels())
        .forEach(
            (key, value) -> {
              out.putText(key);
              out.putText(value);
            });
    if (start != null) {
      putStart(out, start);
    }
    if (!retention.keepsAll()) {
      out.putVarint(retention.steps());
    }
  }

  private static void putStart(EntryOutput out, Start start) {
    out.putText(start.asked().run());
    putStep(out, start.asked().step());
    out.putDouble(start.asked().observations());
    putStep(out, start.step());
    MomentsTable triples = start.triples();
    out.putVarint(triples.slots());
    for (int slot = 0; slot < triples.slots(); slot++) {
      Moments moments = triples.moments(slot);
      out.putDouble(moments.n());
      out.putDouble(moments.mean());
      out.putDouble(moments.m2());
      out.putVarint(moments.seen());
    }
  }

  private static void putStep(EntryOutput out, @Nullable Long step) {
    out.putByte(step == null ? 0 : 1);
    if (step != null) {
      out.putVarint(step);
    }
  }

  private static JournalEntry takeCreated(EntryInput in, Instant at, @Nullable String actor)
      throws CorruptJournalException {
    try {
      Weighting weighting =
          new Weighting(function(in.takeText()), in.takeDouble(), in.takeDouble(), in.takeDouble());
      Configuration unshadowed =
          new Configuration(
              weighting,
              in.takeInt(Integer.MAX_VALUE),
              in.takeInt(Integer.MAX_VALUE),
              in.takeDouble(),
              in.takeDouble(),
              in.takeInt(Integer.MAX_VALUE),
              foldRule(in.takeText()),
              new Propagation(in.takeDouble(), in.takeDouble()),
              normalization(in.takeText()),
              false);
      int flags = in.takeByte();
      if ((flags & ~CREATED_FLAGS) != 0) {
        throw new CorruptJournalException("a run was created with unknown flags " + flags);
      }
      Map<String, String> labels = new LinkedHashMap<>();
      int count = in.takeCount();
      for (int i = 0; i < count; i++) {
        labels.put(in.takeText(), in.takeText());
      }
      return new JournalEntry.Created(
          at,
          unshadowed.withShadow((flags & CREATED_SHADOW) != 0),
          labels,
          (flags & CREATED_START) == 0 ? null : takeStart(in),
          (flags & CREATED_RETENTION) == 0 ? Retention.ALL : new Retention(in.takeVarint()),
          actor);
    } catch (IllegalArgumentException e) {
      throw new CorruptJournalException("the configuration of a run is not valid", e);
    }
  }

  private static Start takeStart(EntryInput in) throws CorruptJournalException {
    StartFrom asked = new StartFrom(in.takeText(), takeStep(in), in.takeDouble());
    Long step = takeStep(in);
    MomentsTable triples = new MomentsTable();
    int slots = in.takeCount();
    for (int slot = 0; slot < slots; slot++) {
      triples.set(
          slot, new Moments(in.takeDouble(), in.takeDouble(), in.takeDouble(), in.takeVarint()));
    }
    return new Start(asked, step, triples);
  }

  private static @Nullable Long takeStep(EntryInput in) throws CorruptJournalException {
    return in.takeByte() == 0 ? null : in.takeVarint();
  }

  private static WeightFunction function(String label) {
    for (WeightFunction function : WeightFunction.ALL) {
      if (function.label().equals(label)) {
        return function;
      }
    }
    throw new IllegalArgumentException(label);
  }

  private static FoldRule foldRule(String label) {
    for (FoldRule rule : FoldRule.values()) {
      if (rule.label().equals(label)) {
        return rule;
      }
    }
    throw new IllegalArgumentException(label);
  }

  private static Normalization normalization(String label) {
    for (Normalization normalization : Normalization.values()) {
      if (normalization.label().equals(label)) {
        return normalization;
      }
    }
    throw new IllegalArgumentException(label);
  }

  private static void putBatch(
      EntryOutput out, @Nullable String key, ObservationBatch batch, Weights weights) {
    int flagsAt = out.size();
    out.putShort(0);
    int flags = 0;
    if (batch.hasStep()) {
      flags |= STEP;
      out.putVarint(batch.step());
    }
    out.putVarint(batch.rank());
    out.putVarint(batch.microBatch());
    if (key != null) {
      flags |= KEY;
      out.putText(key);
    }
    String attempt = batch.attempt();
    if (attempt != null) {
      flags |= ATTEMPT;
      out.putText(attempt);
    }
    if (weights.divisor() != 1) {
      flags |= DIVISOR;
      out.putDouble(weights.divisor());
    }
    if (weights.runMean() != 1) {
      flags |= RUN_MEAN;
      out.putDouble(weights.runMean());
    }
    out.putVarint(batch.dialogues());
    out.putSteps(batch.offsets(), 1, 0);
    if (!out.putFloats(batch.losses())) {
      flags |= WIDE_LOSSES;
      out.putDoubles(batch.losses());
    }
    long[] unsupervised = batch.unsupervised();
    if (unsupervised != null) {
      flags |= NULLS;
      out.putWords(unsupervised, EntryOutput.words(batch.size()));
    }
    long[] firstTurns = batch.firstTurns();
    if (firstTurns != null) {
      flags |= FIRST_TURNS;
      out.putVarints(firstTurns);
    }
    out.putSteps(batch.idEnds(), 0, 0);
    out.putBytes(batch.ids(), batch.dialogues() == 0 ? 0 : batch.idEnds()[batch.dialogues() - 1]);
    int[] sourceOf = batch.sourceOf();
    if (sourceOf != null) {
      flags |= SOURCES;
      out.putVarint(batch.sources().size());
      for (String source : batch.sources()) {
        out.putText(source);
      }
      for (int source : sourceOf) {
        out.putVarint(source + 1);
      }
    }
    long[] tokens = batch.tokens();
    if (tokens != null) {
      flags |= TOKENS;
      out.putVarints(tokens);
    }
    double[] applied = batch.appliedWeights();
    if (applied != null) {
      flags |= APPLIED_WEIGHTS;
      out.putWeights(applied, NO_APPLIED_WEIGHT);
    }
    out.putWeights(weights.raw(), UNUSABLE);
    flags |= weights.warmingUp() ? WARMING_UP : 0;
    flags |= weights.late() ? LATE : 0;
    flags |= weights.shadow() ? SHADOW : 0;
    out.overwriteShort(flagsAt, flags);
  }

  private static JournalEntry takeBatch(EntryInput in, Instant at) throws CorruptJournalException {
    int flags = in.takeShort();
    long step = (flags & STEP) == 0 ? ObservationBatch.NO_STEP : in.takeVarint();
    long rank = in.takeVarint();
    long microBatch = in.takeVarint();
    String key = (flags & KEY) == 0 ? null : in.takeText();
    String attempt = (flags & ATTEMPT) == 0 ? null : in.takeText();
    double divisor = (flags & DIVISOR) == 0 ? 1 : in.takeDouble();
    double runMean = (flags & RUN_MEAN) == 0 ? 1 : in.takeDouble();
    int dialogues = in.takeCount();
    int[] offsets = new int[dialogues + 1];
    in.takeSteps(offsets, 1);
    int size = offsets[dialogues];
    double[] losses = (flags & WIDE_LOSSES) == 0 ? in.takeFloats(size) : in.takeDoubles(size);
    long[] unsupervised = (flags & NULLS) == 0 ? null : in.takeWords(EntryOutput.words(size));
    long[] firstTurns = (flags & FIRST_TURNS) == 0 ? null : in.takeVarints(dialogues);
    int[] idEnds = new int[dialogues];
    in.takeSteps(idEnds, 0);
    byte[] ids = in.takeBytes(dialogues == 0 ? 0 : idEnds[dialogues - 1]);
    List<String> sources = List.of();
    int[] sourceOf = null;
    if ((flags & SOURCES) != 0) {
      int count = in.takeCount();
      sources = new ArrayList<>();
      for (int i = 0; i < count; i++) {
        sources.add(in.takeText());
      }
      sourceOf = new int[dialogues];
      for (int d = 0; d < dialogues; d++) {
        sourceOf[d] = in.takeInt(count) - 1;
      }
    }
    long[] tokens = (flags & TOKENS) == 0 ? null : in.takeVarints(size);
    double[] applied =
        (flags & APPLIED_WEIGHTS) == 0 ? null : in.takeWeights(size, NO_APPLIED_WEIGHT);
    double[] raw = in.takeWeights(size, UNUSABLE);
    ObservationBatch batch =
        new ObservationBatch(
            step,
            rank,
            microBatch,
            attempt,
            offsets,
            losses,
            unsupervised,
            firstTurns,
            ids,
            idEnds,
            sources,
            sourceOf,
            tokens,
            applied);
    Weights weights =
        new Weights(
            raw,
            divisor,
            runMean,
            (flags & WARMING_UP) != 0,
            (flags & LATE) != 0,
            (flags & SHADOW) != 0);
    return new JournalEntry.Batch(at, key, batch, weights);
  }
}
