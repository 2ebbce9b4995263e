package resure.replay;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import resure.journal.CorruptJournalException;
import resure.journal.NewerFormatException;
import resure.run.WholeFrom;
import resure.weighting.Configuration;
import resure.weighting.FoldRule;
import resure.weighting.Normalization;
import resure.weighting.Propagation;
import resure.weighting.WeightFunction;
import resure.weighting.Weighting;

/**
 * The bytes of a replay's documents, version 2, big-endian; {@code text} is the length in bytes of
 * its modified UTF-8 (2), then that.
 *
 * <pre>
 *   request  version (1), createdAt in milliseconds, sequence, newestStep, observations,
 *            wholeFrom's step and sequence (8 each; version 1 has none: of a whole run),
 *            configurations: number (4), each
 *              function text, threshold, sharpness, floor (8 each), warmUp, maxTurns (4 each),
 *              maxLoss, halfLife (8 each), lag (4), fold text, propagation strength and decay
 *              (8 each), normalization text, shadow (1)
 *            labelled (1), bad: number (4), each dialogue text, turn (8; -1 for all)
 *            rankBy: number (4), each measure text, atLeast, atMost (8 each; NaN for none)
 *   progress version (1), fraction (8)
 *   end      version (1), state text, createdAt, finishedAt in milliseconds, sequence,
 *            wholeFrom's step and sequence (8 each; version 1 has none),
 *            configurations, results, pieces of them (4 each), detail text, empty for none
 *   piece    version (1), sources: number (4), texts; results: number (4), each
 *              its configuration as above, index (4), tally, steadiness (8),
 *              turns: number (4), each turn (4), tally
 *              sources: number (4), each index of its text, -1 for none, -2 for the pool (4), tally
 *              separation: whether there is one (1), its six numbers (8 each)
 *   tally    observations, weightSum, squareSum, downWeighted (8 each)
 * </pre>
 */
final class ReplayFormat {

  static final int VERSION = 2;

  /** Of a time when no run dropped anything. */
  private static final int ALL_WHOLE = 1;

  private static final int NO_SOURCE = -1;
  private static final int OTHER_SOURCES = -2;
  private static final long EVERY_TURN = -1;

  private ReplayFormat() {}

  /**
   * What is kept of an unfinished replay, but its plan.
   *
   * @param newestStep the run's newest step then
   * @param observations what each configuration weighs
   * @param wholeFrom where the batches begin
   * @param configurations how many
   */
  record Asked(
      Instant createdAt,
      long sequence,
      long newestStep,
      long observations,
      WholeFrom wholeFrom,
      int configurations) {}

  /**
   * What is kept of an ended replay, but its results.
   *
   * @param results how many
   * @param pieces in how many documents they are
   */
  record Ended(Replay replay, int results, int pieces) {}

  private interface Writer {
    void to(DataOutputStream out) throws IOException;
  }

  private interface Reader<T> {
    T from(DataInputStream in, int version) throws IOException;
  }

  private static byte[] write(Writer writer) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream(1024);
    try (DataOutputStream out = new DataOutputStream(bytes)) {
      out.writeByte(VERSION);
      writer.to(out);
    } catch (IOException e) {
      throw new UncheckedIOException("an array cannot be written to", e);
    }
    return bytes.toByteArray();
  }

  private static <T> T read(byte[] bytes, boolean whole, Reader<T> reader)
      throws CorruptJournalException {
    try (DataInputStream in = new DataInputStream(new ByteArrayInputStream(bytes))) {
      int version = in.readUnsignedByte();
      if (version != VERSION && version != ALL_WHOLE) {
        throw new NewerFormatException("a replay", version, VERSION);
      }
      T read = reader.from(in, version);
      if (whole && in.available() > 0) {
        throw new CorruptJournalException("a replay's document goes on after its end");
      }
      return read;
    } catch (CorruptJournalException e) {
      throw e;
    } catch (IOException | IllegalArgumentException e) {
      throw new CorruptJournalException("a replay's document is malformed", e);
    }
  }

  /** A number of elements, each of at least one byte. */
  private static int count(DataInputStream in) throws IOException {
    int count = in.readInt();
    if (count < 0 || count > in.available()) {
      throw new CorruptJournalException("a replay's document is malformed");
    }
    return count;
  }

  static byte[] request(Asked asked, ReplayPlan plan) {
    return write(
        out -> {
          out.writeLong(asked.createdAt.toEpochMilli());
          out.writeLong(asked.sequence);
          out.writeLong(asked.newestStep);
          out.writeLong(asked.observations);
          write(out, asked.wholeFrom);
          out.writeInt(plan.configurations().size());
          for (Configuration configuration : plan.configurations()) {
            write(out, configuration);
          }
          out.writeBoolean(plan.labelled());
          out.writeInt(plan.bad().size());
          for (Bad bad : plan.bad()) {
            Long turn = bad.turn();
            out.writeUTF(bad.dialogue());
            out.writeLong(turn == null ? EVERY_TURN : turn);
          }
          out.writeInt(plan.rankBy().size());
          for (RankBy element : plan.rankBy()) {
            out.writeUTF(element.measure().label());
            out.writeDouble(orNan(element.atLeast()));
            out.writeDouble(orNan(element.atMost()));
          }
        });
  }

  /** The beginning of a request: all but its plan. */
  static Asked asked(byte[] request) throws CorruptJournalException {
    return read(request, false, ReplayFormat::readAsked);
  }

  private static Asked readAsked(DataInputStream in, int version) throws IOException {
    return new Asked(
        Instant.ofEpochMilli(in.readLong()),
        in.readLong(),
        in.readLong(),
        in.readLong(),
        readWholeFrom(in, version),
        count(in));
  }

  private static void write(DataOutputStream out, WholeFrom wholeFrom) throws IOException {
    out.writeLong(wholeFrom.step());
    out.writeLong(wholeFrom.sequence());
  }

  private static WholeFrom readWholeFrom(DataInputStream in, int version) throws IOException {
    return version == ALL_WHOLE ? WholeFrom.BEGINNING : new WholeFrom(in.readLong(), in.readLong());
  }

  static ReplayPlan plan(byte[] request) throws CorruptJournalException {
    return read(
        request,
        true,
        (in, version) -> {
          int size = readAsked(in, version).configurations;
          List<Configuration> configurations = new ArrayList<>(size);
          for (int i = 0; i < size; i++) {
            configurations.add(readConfiguration(in));
          }
          boolean labelled = in.readBoolean();
          List<Bad> bad = new ArrayList<>();
          for (int left = count(in); left > 0; left--) {
            String dialogue = in.readUTF();
            long turn = in.readLong();
            bad.add(new Bad(dialogue, turn == EVERY_TURN ? null : turn));
          }
          List<RankBy> rankBy = new ArrayList<>();
          for (int left = count(in); left > 0; left--) {
            rankBy.add(
                new RankBy(
                    labelled(Measure.ofLabel(in.readUTF())),
                    orNull(in.readDouble()),
                    orNull(in.readDouble())));
          }
          return new ReplayPlan(configurations, bad, labelled, rankBy);
        });
  }

  static byte[] progress(double fraction) {
    return write(out -> out.writeDouble(fraction));
  }

  static double progress(byte[] progress) throws CorruptJournalException {
    return read(progress, true, (in, version) -> in.readDouble());
  }

  static byte[] end(Ended end) {
    return write(
        out -> {
          Replay replay = end.replay;
          Instant finishedAt = replay.finishedAt();
          out.writeUTF(replay.state().label());
          out.writeLong(replay.createdAt().toEpochMilli());
          out.writeLong(finishedAt == null ? 0 : finishedAt.toEpochMilli());
          out.writeLong(replay.sequence());
          write(out, replay.wholeFrom());
          out.writeInt(replay.configurations());
          out.writeInt(end.results);
          out.writeInt(end.pieces);
          String detail = replay.detail();
          out.writeUTF(detail == null ? "" : detail);
        });
  }

  static Ended ended(String id, byte[] end) throws CorruptJournalException {
    return read(
        end,
        true,
        (in, version) -> {
          String label = in.readUTF();
          Replay.State state = null;
          for (Replay.State candidate : Replay.State.values()) {
            state = candidate.label().equals(label) ? candidate : state;
          }
          Instant createdAt = Instant.ofEpochMilli(in.readLong());
          Instant finishedAt = Instant.ofEpochMilli(in.readLong());
          long sequence = in.readLong();
          WholeFrom wholeFrom = readWholeFrom(in, version);
          int configurations = in.readInt();
          int results = in.readInt();
          int pieces = in.readInt();
          String detail = in.readUTF();
          return new Ended(
              new Replay(
                  id,
                  labelled(state),
                  state == Replay.State.DONE ? 1 : 0,
                  configurations,
                  createdAt,
                  finishedAt,
                  sequence,
                  wholeFrom,
                  detail.isEmpty() ? null : detail),
              results,
              pieces);
        });
  }

  static byte[] piece(List<Tried> piece) {
    Map<String, Integer> sources = new LinkedHashMap<>();
    for (Tried tried : piece) {
      for (SourceTally source : tried.result().sources()) {
        String name = source.source();
        if (name != null) {
          sources.putIfAbsent(name, sources.size());
        }
      }
    }
    return write(
        out -> {
          out.writeInt(sources.size());
          for (String source : sources.keySet()) {
            out.writeUTF(source);
          }
          out.writeInt(piece.size());
          for (Tried tried : piece) {
            write(out, tried.configuration());
            write(out, tried.result(), sources);
          }
        });
  }

  private static void write(DataOutputStream out, ReplayResult result, Map<String, Integer> sources)
      throws IOException {
    out.writeInt(result.index());
    write(out, result.all());
    out.writeDouble(result.steadiness());
    out.writeInt(result.turns().size());
    for (TurnTally turn : result.turns()) {
      out.writeInt(turn.turn());
      write(out, turn.tally());
    }
    out.writeInt(result.sources().size());
    for (SourceTally source : result.sources()) {
      String name = source.source();
      int nameless = source.other() ? OTHER_SOURCES : NO_SOURCE;
      out.writeInt(name == null ? nameless : sources.getOrDefault(name, NO_SOURCE));
      write(out, source.tally());
    }
    Separation separation = result.separation();
    out.writeBoolean(separation != null);
    if (separation != null) {
      out.writeDouble(separation.auroc());
      out.writeDouble(separation.aurocError());
      out.writeDouble(separation.averagePrecision());
      out.writeDouble(separation.averagePrecisionError());
      out.writeDouble(separation.badMeanWeight());
      out.writeDouble(separation.goodMeanWeight());
    }
  }

  static List<Tried> tried(byte[] piece) throws CorruptJournalException {
    return read(
        piece,
        true,
        (in, version) -> {
          List<String> sources = new ArrayList<>();
          for (int left = count(in); left > 0; left--) {
            sources.add(in.readUTF());
          }
          List<Tried> tried = new ArrayList<>();
          for (int left = count(in); left > 0; left--) {
            tried.add(new Tried(readConfiguration(in), readResult(in, sources)));
          }
          return tried;
        });
  }

  private static ReplayResult readResult(DataInputStream in, List<String> names)
      throws IOException {
    int index = in.readInt();
    Tally all = readTally(in);
    double steadiness = in.readDouble();
    List<TurnTally> turns = new ArrayList<>();
    for (int left = count(in); left > 0; left--) {
      turns.add(new TurnTally(in.readInt(), readTally(in)));
    }
    List<SourceTally> sources = new ArrayList<>();
    for (int left = count(in); left > 0; left--) {
      int name = in.readInt();
      if (name >= names.size()) {
        throw new CorruptJournalException("a replay's document is malformed");
      }
      sources.add(
          new SourceTally(name < 0 ? null : names.get(name), name == OTHER_SOURCES, readTally(in)));
    }
    Separation separation =
        in.readBoolean()
            ? new Separation(
                in.readDouble(),
                in.readDouble(),
                in.readDouble(),
                in.readDouble(),
                in.readDouble(),
                in.readDouble())
            : null;
    return new ReplayResult(index, all, turns, sources, steadiness, separation);
  }

  private static void write(DataOutputStream out, Tally tally) throws IOException {
    out.writeLong(tally.observations());
    out.writeDouble(tally.weightSum());
    out.writeDouble(tally.squareSum());
    out.writeLong(tally.downWeighted());
  }

  private static Tally readTally(DataInputStream in) throws IOException {
    return new Tally(in.readLong(), in.readDouble(), in.readDouble(), in.readLong());
  }

  private static void write(DataOutputStream out, Configuration configuration) throws IOException {
    Weighting weighting = configuration.weighting();
    out.writeUTF(weighting.function().label());
    out.writeDouble(weighting.threshold());
    out.writeDouble(weighting.sharpness());
    out.writeDouble(weighting.floor());
    out.writeInt(configuration.warmUp());
    out.writeInt(configuration.maxTurns());
    out.writeDouble(configuration.maxLoss());
    out.writeDouble(configuration.halfLife());
    out.writeInt(configuration.lag());
    out.writeUTF(configuration.fold().label());
    out.writeDouble(configuration.propagation().strength());
    out.writeDouble(configuration.propagation().decay());
    out.writeUTF(configuration.normalization().label());
    out.writeBoolean(configuration.shadow());
  }

  private static Configuration readConfiguration(DataInputStream in) throws IOException {
    return new Configuration(
        new Weighting(readFunction(in), in.readDouble(), in.readDouble(), in.readDouble()),
        in.readInt(),
        in.readInt(),
        in.readDouble(),
        in.readDouble(),
        in.readInt(),
        readFold(in),
        new Propagation(in.readDouble(), in.readDouble()),
        readNormalization(in),
        in.readBoolean());
  }

  private static WeightFunction readFunction(DataInputStream in) throws IOException {
    String label = in.readUTF();
    return labelled(
        WeightFunction.ALL.stream().filter(f -> f.label().equals(label)).findFirst().orElse(null));
  }

  private static FoldRule readFold(DataInputStream in) throws IOException {
    String label = in.readUTF();
    FoldRule found = null;
    for (FoldRule candidate : FoldRule.values()) {
      found = candidate.label().equals(label) ? candidate : found;
    }
    return labelled(found);
  }

  private static Normalization readNormalization(DataInputStream in) throws IOException {
    String label = in.readUTF();
    Normalization found = null;
    for (Normalization candidate : Normalization.values()) {
      found = candidate.label().equals(label) ? candidate : found;
    }
    return labelled(found);
  }

  private static <T> T labelled(@Nullable T found) throws CorruptJournalException {
    if (found == null) {
      throw new CorruptJournalException("a replay's document has a name that is not known");
    }
    return found;
  }

  private static double orNan(@Nullable Double value) {
    return value == null ? Double.NaN : value;
  }

  private static @Nullable Double orNull(double value) {
    return Double.isNaN(value) ? null : value;
  }
}
