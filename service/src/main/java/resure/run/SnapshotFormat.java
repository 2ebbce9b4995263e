package resure.run;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import resure.drift.TurnState;
import resure.journal.CorruptJournalException;
import resure.journal.Head;
import resure.journal.JournalEntry;
import resure.journal.NewerFormatException;
import resure.journal.Snapshot;
import resure.statistics.BatchMoments;
import resure.statistics.Moments;
import resure.statistics.MomentsTable;

/**
 * The bytes of a run's folded state, big-endian; the one class that knows them. The store adds its
 * checksum. What the run's first entry says (configuration, labels) is not repeated.
 *
 * <pre>
 * version 3
 *   u8 version | i64 sequence
 *   text? current attempt | i64 its last rewind | i32 count, text past attempts
 *   i32 count, (i64 sequence, i64 nextStep) rewinds
 *   i64 lateBatches | text stepping | i64 lastBatchAt | i64 finishedAt     (milliseconds, MIN for none)
 *   sums all | sums others | f64 f64 run mean | i64 client-weighted
 *   i32 count, sums per slot | i32 count, (text?, sums) per source
 *   i64 newest step
 *   i32 count, (f64 f64 run mean, i32 slots, (f64 n, f64 mean, f64 m2, i64 seen)) references
 *   i32 count, pending batches:
 *     i64 step, i64 rank, i64 microBatch, i64 sequence
 *     i32 count, (i32 slot, f64 n, f64 mean, f64 m2)
 *     i32 count, (i32 slot, sums) | i32 count, (text?, sums) | f64 token weight sum, f64 token sum
 *     u8 client-weighted
 *   i64 step, i64 sequence from which the run is whole   (version 1 has no such; it is)
 *   i32 count, drift per slot:                           (versions 1 and 2 have no such; it begins)
 *     3 times (f64 n, f64 mean, f64 m2, i64 seen): gathered, slow, fast
 *     f64 CUSUM, u8 raised, i32 raised for | i64 warnings, i64 alarms, i64 step of the last
 *     f64 last value, f64 mean squared difference, i32 differences
 *     i32 count, (i32 size, f64 sum, f64 m2) buckets
 *   i64 step folded last, i64 observations folded, i64 folded steps, i64 stride,
 *   i32 count, (i64 step, i64 observations)              (versions 1 and 2 have no such)
 *   i32 count, (i64 sequence, i64 at, i64 step, text benchmark, f64 score) evaluations  (likewise)
 * sums:  i64 usable, i64 unusable, i64 down-weighted, i64 weighed, f64 sum, f64 sum of squares, f64 excess
 * Versions 1 and 2 have nothing of what is weighed, down-weighted, client-weighted and excess: 0.
 * text?: u8 0 for none, else 1 and modified UTF-8 with its length
 * </pre>
 */
final class SnapshotFormat {

  private static final int VERSION = 3;

  /**
   * Without drift, how many were down-weighted and what else later versions count: all of that
   * begins at nothing.
   */
  private static final int BEFORE_DRIFT = 2;

  /** Without what trimmed runs need. */
  private static final int BEFORE_TRIMMING = 1;

  private static final long NO_TIME = Long.MIN_VALUE;

  private SnapshotFormat() {}

  /** A reference with its triples on the heap. */
  record StoredReference(MomentsTable triples, RunMean runMean) {}

  /** Everything bounded that applying a run's journal has built, up to {@code head}. */
  record State(
      Head head,
      Attempts attempts,
      Rewinds rewinds,
      Totals totals,
      long lateBatches,
      Run.Stepping stepping,
      @Nullable Instant lastBatchAt,
      @Nullable Instant finishedAt,
      long newest,
      List<StoredReference> references,
      List<PendingBatch> pending,
      WholeFrom wholeFrom,
      List<TurnState> drift,
      SampleCounts samples,
      Evaluations evaluations) {}

  static Snapshot encode(State state) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream(1024);
    try (DataOutputStream out = new DataOutputStream(bytes)) {
      out.writeByte(VERSION);
      out.writeLong(state.head.sequence());
      writeText(out, state.attempts.current());
      out.writeLong(state.attempts.lastRewind());
      out.writeInt(state.attempts.past().size());
      for (String past : state.attempts.past()) {
        writeText(out, past);
      }
      out.writeInt(state.rewinds.list().size());
      for (Rewinds.Rewind rewind : state.rewinds.list()) {
        out.writeLong(rewind.sequence());
        out.writeLong(rewind.nextStep());
      }
      out.writeLong(state.lateBatches);
      out.writeUTF(state.stepping.name());
      writeTime(out, state.lastBatchAt);
      writeTime(out, state.finishedAt);
      writeTotals(out, state.totals);
      out.writeLong(state.newest);
      out.writeInt(state.references.size());
      for (StoredReference reference : state.references) {
        writeReference(out, reference);
      }
      out.writeInt(state.pending.size());
      for (PendingBatch batch : state.pending) {
        writePending(out, batch);
      }
      out.writeLong(state.wholeFrom.step());
      out.writeLong(state.wholeFrom.sequence());
      out.writeInt(state.drift.size());
      for (TurnState turn : state.drift) {
        writeDrift(out, turn);
      }
      state.samples.write(out);
      out.writeInt(state.evaluations.list().size());
      for (Evaluations.Kept kept : state.evaluations.list()) {
        out.writeLong(kept.sequence());
        out.writeLong(kept.at().toEpochMilli());
        out.writeLong(kept.step());
        out.writeUTF(kept.benchmark());
        out.writeDouble(kept.score());
      }
    } catch (IOException e) {
      throw new IllegalStateException("writing to memory cannot fail", e);
    }
    return new Snapshot(state.head, bytes.toByteArray());
  }

  static State decode(Snapshot snapshot) throws CorruptJournalException {
    try (DataInputStream in = new DataInputStream(new ByteArrayInputStream(snapshot.state()))) {
      int version = in.readUnsignedByte();
      if (version > VERSION) {
        throw new NewerFormatException(
            "snapshot " + snapshot.sequence() + " of a run", version, VERSION);
      }
      if (version < BEFORE_TRIMMING) {
        throw new CorruptJournalException("snapshot of unknown version " + version);
      }
      if (in.readLong() != snapshot.sequence()) {
        throw new CorruptJournalException("snapshot of another sequence");
      }
      Attempts attempts = readAttempts(in);
      List<Rewinds.Rewind> rewinds = new ArrayList<>();
      for (int i = in.readInt(); i > 0; i--) {
        rewinds.add(new Rewinds.Rewind(in.readLong(), in.readLong()));
      }
      long lateBatches = in.readLong();
      Run.Stepping stepping = Run.Stepping.valueOf(in.readUTF());
      Instant lastBatchAt = readTime(in);
      Instant finishedAt = readTime(in);
      Totals totals = readTotals(in, version);
      long newest = in.readLong();
      List<StoredReference> references = new ArrayList<>();
      for (int i = in.readInt(); i > 0; i--) {
        references.add(readReference(in));
      }
      List<PendingBatch> pending = new ArrayList<>();
      for (int i = in.readInt(); i > 0; i--) {
        pending.add(readPending(in, version));
      }
      return new State(
          snapshot.head(),
          attempts,
          new Rewinds(rewinds),
          totals,
          lateBatches,
          stepping,
          lastBatchAt,
          finishedAt,
          newest,
          references,
          pending,
          version == BEFORE_TRIMMING
              ? WholeFrom.BEGINNING
              : new WholeFrom(in.readLong(), in.readLong()),
          version <= BEFORE_DRIFT ? List.of() : readDrift(in),
          version <= BEFORE_DRIFT
              ? SampleCounts.of(totals.all().observations(), newest)
              : SampleCounts.read(in),
          version <= BEFORE_DRIFT ? new Evaluations() : readEvaluations(in));
    } catch (CorruptJournalException e) {
      throw e;
    } catch (IOException | IllegalArgumentException e) {
      throw new CorruptJournalException("snapshot cannot be read", e);
    }
  }

  private static Evaluations readEvaluations(DataInputStream in) throws IOException {
    Evaluations evaluations = new Evaluations();
    for (int i = in.readInt(); i > 0; i--) {
      evaluations.add(
          in.readLong(),
          new JournalEntry.Evaluated(
              Instant.ofEpochMilli(in.readLong()), in.readLong(), in.readUTF(), in.readDouble()));
    }
    return evaluations;
  }

  private static Attempts readAttempts(DataInputStream in) throws IOException {
    String current = readText(in);
    long lastRewind = in.readLong();
    Set<String> past = new LinkedHashSet<>();
    for (int i = in.readInt(); i > 0; i--) {
      String attempt = readText(in);
      if (attempt != null) {
        past.add(attempt);
      }
    }
    return new Attempts(current, lastRewind, past);
  }

  private static void writeTotals(DataOutputStream out, Totals totals) throws IOException {
    writeSums(out, totals.all());
    writeSums(out, totals.others());
    writeRunMean(out, totals.runMean());
    out.writeLong(totals.clientWeighted());
    out.writeInt(totals.slots().size());
    for (WeightSums sums : totals.slots()) {
      writeSums(out, sums);
    }
    out.writeInt(totals.sources().size());
    for (Map.Entry<@Nullable String, WeightSums> source : totals.sources().entrySet()) {
      writeText(out, source.getKey());
      writeSums(out, source.getValue());
    }
  }

  private static Totals readTotals(DataInputStream in, int version) throws IOException {
    Totals totals =
        new Totals(
            readSums(in, version),
            readSums(in, version),
            readRunMean(in),
            version <= BEFORE_DRIFT ? 0 : in.readLong());
    for (int i = in.readInt(); i > 0; i--) {
      totals.putSlot(readSums(in, version));
    }
    for (int i = in.readInt(); i > 0; i--) {
      totals.putSource(readText(in), readSums(in, version));
    }
    return totals;
  }

  private static void writeReference(DataOutputStream out, StoredReference reference)
      throws IOException {
    writeRunMean(out, reference.runMean);
    out.writeInt(reference.triples.slots());
    for (int slot = 0; slot < reference.triples.slots(); slot++) {
      writeMoments(out, reference.triples.moments(slot));
    }
  }

  private static StoredReference readReference(DataInputStream in) throws IOException {
    RunMean runMean = readRunMean(in);
    MomentsTable triples = new MomentsTable();
    int slots = in.readInt();
    for (int slot = 0; slot < slots; slot++) {
      triples.set(slot, readMoments(in));
    }
    return new StoredReference(triples, runMean);
  }

  private static void writeMoments(DataOutputStream out, Moments moments) throws IOException {
    out.writeDouble(moments.n());
    out.writeDouble(moments.mean());
    out.writeDouble(moments.m2());
    out.writeLong(moments.seen());
  }

  private static Moments readMoments(DataInputStream in) throws IOException {
    return new Moments(in.readDouble(), in.readDouble(), in.readDouble(), in.readLong());
  }

  private static void writeDrift(DataOutputStream out, TurnState turn) throws IOException {
    writeMoments(out, turn.gathered());
    writeMoments(out, turn.slow());
    writeMoments(out, turn.fast());
    out.writeDouble(turn.cusum());
    out.writeBoolean(turn.raised());
    out.writeInt(turn.raisedFor());
    out.writeLong(turn.warnings());
    out.writeLong(turn.alarms());
    out.writeLong(turn.lastAlarmStep());
    TurnState.Window window = turn.window();
    out.writeDouble(window.last());
    out.writeDouble(window.meanSquaredDifference());
    out.writeInt(window.differences());
    out.writeInt(window.buckets().size());
    for (TurnState.Bucket bucket : window.buckets()) {
      out.writeInt(bucket.size());
      out.writeDouble(bucket.sum());
      out.writeDouble(bucket.m2());
    }
  }

  private static List<TurnState> readDrift(DataInputStream in) throws IOException {
    List<TurnState> turns = new ArrayList<>();
    for (int i = in.readInt(); i > 0; i--) {
      turns.add(
          new TurnState(
              readMoments(in),
              readMoments(in),
              readMoments(in),
              in.readDouble(),
              in.readBoolean(),
              in.readInt(),
              in.readLong(),
              in.readLong(),
              in.readLong(),
              readWindow(in)));
    }
    return turns;
  }

  private static TurnState.Window readWindow(DataInputStream in) throws IOException {
    double last = in.readDouble();
    double meanSquaredDifference = in.readDouble();
    int differences = in.readInt();
    List<TurnState.Bucket> buckets = new ArrayList<>();
    for (int i = in.readInt(); i > 0; i--) {
      buckets.add(new TurnState.Bucket(in.readInt(), in.readDouble(), in.readDouble()));
    }
    return new TurnState.Window(last, meanSquaredDifference, differences, buckets);
  }

  private static void writePending(DataOutputStream out, PendingBatch batch) throws IOException {
    out.writeLong(batch.step());
    out.writeLong(batch.rank());
    out.writeLong(batch.microBatch());
    out.writeLong(batch.sequence());
    BatchMoments moments = batch.moments();
    out.writeInt(moments.size());
    for (int i = 0; i < moments.size(); i++) {
      out.writeInt(moments.slot(i));
      out.writeDouble(moments.n(i));
      out.writeDouble(moments.mean(i));
      out.writeDouble(moments.m2(i));
    }
    BatchTotals totals = batch.totals();
    out.writeInt(totals.slots().size());
    for (int i = 0; i < totals.slots().size(); i++) {
      out.writeInt(totals.slots().get(i));
      writeSums(out, totals.perSlot().get(i));
    }
    out.writeInt(totals.sources().size());
    for (int i = 0; i < totals.sources().size(); i++) {
      writeText(out, totals.sources().get(i));
      writeSums(out, totals.perSource().get(i));
    }
    out.writeDouble(totals.tokenWeightSum());
    out.writeDouble(totals.tokenSum());
    out.writeBoolean(totals.clientWeighted());
  }

  private static PendingBatch readPending(DataInputStream in, int version) throws IOException {
    long step = in.readLong();
    long rank = in.readLong();
    long microBatch = in.readLong();
    long sequence = in.readLong();
    int size = in.readInt();
    int[] slot = new int[size];
    double[] n = new double[size];
    double[] mean = new double[size];
    double[] m2 = new double[size];
    for (int i = 0; i < size; i++) {
      slot[i] = in.readInt();
      n[i] = in.readDouble();
      mean[i] = in.readDouble();
      m2[i] = in.readDouble();
    }
    List<Integer> slots = new ArrayList<>();
    List<WeightSums> perSlot = new ArrayList<>();
    for (int i = in.readInt(); i > 0; i--) {
      slots.add(in.readInt());
      perSlot.add(readSums(in, version));
    }
    List<@Nullable String> sources = new ArrayList<>();
    List<WeightSums> perSource = new ArrayList<>();
    for (int i = in.readInt(); i > 0; i--) {
      sources.add(readText(in));
      perSource.add(readSums(in, version));
    }
    return new PendingBatch(
        step,
        rank,
        microBatch,
        sequence,
        new BatchMoments(slot, n, mean, m2),
        new BatchTotals(
            slots,
            perSlot,
            sources,
            perSource,
            in.readDouble(),
            in.readDouble(),
            version > BEFORE_DRIFT && in.readBoolean()));
  }

  private static void writeRunMean(DataOutputStream out, RunMean runMean) throws IOException {
    out.writeDouble(runMean.weightSum());
    out.writeDouble(runMean.tokenSum());
  }

  private static RunMean readRunMean(DataInputStream in) throws IOException {
    return new RunMean(in.readDouble(), in.readDouble());
  }

  private static void writeSums(DataOutputStream out, WeightSums sums) throws IOException {
    out.writeLong(sums.usable());
    out.writeLong(sums.unusable());
    out.writeLong(sums.downWeighted());
    out.writeLong(sums.weighed());
    out.writeDouble(sums.sum());
    out.writeDouble(sums.sumOfSquares());
    out.writeDouble(sums.excessSum());
  }

  private static WeightSums readSums(DataInputStream in, int version) throws IOException {
    boolean before = version <= BEFORE_DRIFT;
    return new WeightSums(
        in.readLong(),
        in.readLong(),
        before ? 0 : in.readLong(),
        before ? 0 : in.readLong(),
        in.readDouble(),
        in.readDouble(),
        before ? 0 : in.readDouble());
  }

  private static void writeText(DataOutputStream out, @Nullable String text) throws IOException {
    out.writeBoolean(text != null);
    if (text != null) {
      out.writeUTF(text);
    }
  }

  private static @Nullable String readText(DataInputStream in) throws IOException {
    return in.readBoolean() ? in.readUTF() : null;
  }

  private static void writeTime(DataOutputStream out, @Nullable Instant time) throws IOException {
    out.writeLong(time == null ? NO_TIME : time.toEpochMilli());
  }

  private static @Nullable Instant readTime(DataInputStream in) throws IOException {
    long millis = in.readLong();
    return millis == NO_TIME ? null : Instant.ofEpochMilli(millis);
  }
}
