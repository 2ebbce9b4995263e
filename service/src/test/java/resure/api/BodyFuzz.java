package resure.api;

import java.io.PrintStream;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/** The long version of {@link BodyFuzzTest}: as many bodies as wanted. */
public final class BodyFuzz {

  /** Bodies of a seed: few, so that one that fails is soon found again. */
  private static final int BODIES = 10_000;

  private BodyFuzz() {}

  /**
   * Tries bodies in JSON and in CBOR, half of them each, in as many threads as there are
   * processors.
   *
   * @param seed the first; every 10,000 bodies have the next
   * @param inputs how many bodies, rounded up to whole seeds of both
   * @throws ExecutionException at the first body that is read wrongly, by an error that names it
   */
  public static void run(long seed, long inputs, PrintStream out)
      throws InterruptedException, ExecutionException {
    long seeds = Math.ceilDiv(inputs, 2L * BODIES);
    int threads = Runtime.getRuntime().availableProcessors();
    try (ExecutorService workers = Executors.newFixedThreadPool(threads)) {
      List<Future<List<FuzzTally>>> parts = new ArrayList<>();
      for (int thread = 0; thread < threads; thread++) {
        long first = thread;
        parts.add(workers.submit(() -> part(seed, first, threads, seeds)));
      }
      FuzzTally json = FuzzTally.NONE;
      FuzzTally cbor = FuzzTally.NONE;
      for (Future<List<FuzzTally>> part : parts) {
        json = json.plus(part.get().getFirst());
        cbor = cbor.plus(part.get().getLast());
      }
      out.printf("%d bodies each%nJSON: %s%nCBOR: %s%n", seeds * BODIES, json, cbor);
    }
  }

  private static List<FuzzTally> part(long seed, long first, int threads, long seeds) {
    JsonFuzz jsonFuzz = new JsonFuzz();
    CborFuzz cborFuzz = new CborFuzz();
    FuzzTally json = FuzzTally.NONE;
    FuzzTally cbor = FuzzTally.NONE;
    for (long i = first; i < seeds; i += threads) {
      json = json.plus(jsonFuzz.run(seed + i, BODIES));
      cbor = cbor.plus(cborFuzz.run(seed + i, BODIES));
    }
    return List.of(json, cbor);
  }
}
