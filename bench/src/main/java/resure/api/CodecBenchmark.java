package resure.api;

import java.nio.ByteBuffer;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;
import resure.bench.Bodies;
import resure.bench.Shape;
import resure.journal.EntryFormat;
import resure.journal.Incarnation;
import resure.journal.JournalEntry;
import resure.observation.ObservationBatch;
import resure.observation.Weights;
import resure.statistics.BatchReducer;
import resure.statistics.MomentsTable;
import resure.weighting.Configuration;
import resure.weighting.Weigher;

/** Bytes to columns, columns to a journal entry, weights to bytes. The batches take turns. */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Warmup(iterations = 4, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(value = 2, jvmArgsAppend = "-XX:+UseG1GC")
public class CodecBenchmark {

  private static final int BATCHES = 16;

  /** Size of the batch. */
  @Param({"S", "L"})
  public Shape shape = Shape.S;

  private final BatchReader reader = new BatchReader(65_536);
  private final WeightsWriter writer = new WeightsWriter();
  private final EntryFormat format = new EntryFormat();
  private final Incarnation incarnation = new Incarnation(1, 2);
  private final byte[][] bodies = new byte[BATCHES][];
  private final byte[][] cborBodies = new byte[BATCHES][];
  private final ObservationBatch[] batches = new ObservationBatch[BATCHES];
  private final Weights[] weights = new Weights[BATCHES];
  private final JournalEntry[] entries = new JournalEntry[BATCHES];
  private int next;

  /** Real weights, out of warm-up. */
  @Setup
  public void weighSomeBatches() {
    Configuration configuration = Configuration.DEFAULT;
    BatchReducer reducer = new BatchReducer();
    MomentsTable triples = new MomentsTable();
    for (int i = 0; i < BATCHES; i++) {
      bodies[i] = Bodies.json(shape, i);
      cborBodies[i] = Bodies.cbor(shape, i);
      ObservationBatch batch = reader.read(Representation.JSON, bodies[i], bodies[i].length);
      batches[i] = batch;
      triples.fold(
          List.of(reducer.reduce(batch.losses(), batch.offsets(), null, 64, 100, new double[0])),
          configuration.halfLife());
    }
    Weigher weigher = new Weigher(configuration, triples);
    for (int i = 0; i < BATCHES; i++) {
      ObservationBatch batch = batches[i];
      double[] raw = new double[batch.size()];
      for (int dialogue = 0; dialogue < batch.dialogues(); dialogue++) {
        int[] offsets = batch.offsets();
        weigher.weigh(batch.losses(), offsets[dialogue], offsets[dialogue + 1], 0, raw);
      }
      weights[i] = new Weights(raw, 1, 0.9412345678901234, false, false, false);
      entries[i] =
          new JournalEntry.Batch(Instant.ofEpochMilli(1_770_000_000_000L), null, batch, weights[i]);
    }
    meetBothRepresentations();
  }

  /** As in a service that is asked in both: what the compiler sees of calls is not of one alone. */
  private void meetBothRepresentations() {
    for (int i = 0; i < 10_000; i++) {
      read();
      readCbor();
      write();
      writeCbor();
    }
  }

  private int next() {
    next = (next + 1) % BATCHES;
    return next;
  }

  /** The body of a POST to columns. */
  @Benchmark
  public ObservationBatch read() {
    byte[] body = bodies[next()];
    return reader.read(Representation.JSON, body, body.length);
  }

  /** The same in CBOR. */
  @Benchmark
  public ObservationBatch readCbor() {
    byte[] body = cborBodies[next()];
    return reader.read(Representation.CBOR, body, body.length);
  }

  /** The answer, summary included. */
  @Benchmark
  public int write() {
    int i = next();
    return writer.write(Representation.JSON, 431, batches[i], weights[i], null).length();
  }

  /** The same in CBOR. */
  @Benchmark
  public int writeCbor() {
    int i = next();
    return writer.write(Representation.CBOR, 431, batches[i], weights[i], null).length();
  }

  /** The journal's entry, checksum included. */
  @Benchmark
  public ByteBuffer encode() {
    return format.encode(incarnation, 431, entries[next()]);
  }
}
