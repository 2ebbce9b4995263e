package resure.replay;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.TreeMap;
import resure.observation.ObservationBatch;

/**
 * The dialogues whose weights are followed from visit to visit: those with the smallest hashes, as
 * many as together have at most {@value #OBSERVATIONS} observations that are not null, but at least
 * one. So the sample depends on nothing but what was recorded: not on configurations, windows,
 * threads, or the machine.
 *
 * <p>The hash of a dialogue is FNV-1a (64 bits: offset basis 0xcbf29ce484222325, prime
 * 0x100000001b3) over the UTF-8 bytes of its id, finished by h ^= h >>> 33, h *=
 * 0xff51afd7ed558ccd, h ^= h >>> 33, h *= 0xc4ceb9fe1a85ec53, h ^= h >>> 33 (MurmurHash3's), and
 * compared without sign. It must not change: results of different releases are compared.
 *
 * <p>First {@link #count} sees every batch, then {@link #member} tells. One thread.
 */
final class Sample {

  /** Most observations of the sample, unless a single dialogue has more: then its first ones. */
  static final int OBSERVATIONS = 8192;

  private final TreeMap<Long, Long> counts = new TreeMap<>(Long::compareUnsigned);
  private final Map<String, Integer> members = new HashMap<>();
  private long counted;

  /** Hashes from here on are out; none is while {@code open}. */
  private long end;

  private boolean open = true;

  /** Counts the observations of a batch. */
  void count(ObservationBatch batch) {
    int[] offsets = batch.offsets();
    for (int d = 0; d < batch.dialogues(); d++) {
      long hash = hash(batch, d);
      if (!wanted(hash)) {
        continue;
      }
      int observations = 0;
      for (int i = offsets[d]; i < offsets[d + 1]; i++) {
        observations += batch.supervised(i) ? 1 : 0;
      }
      if (observations > 0) {
        counts.merge(hash, (long) observations, Long::sum);
        counted += observations;
        while (counted > OBSERVATIONS && counts.size() > 1) {
          end = counts.lastKey();
          open = false;
          counted -= counts.pollLastEntry().getValue();
        }
      }
    }
  }

  private boolean wanted(long hash) {
    return open || Long.compareUnsigned(hash, end) < 0;
  }

  /** Number of a dialogue within the sample, from 0 in order of asking; -1 when it is not in it. */
  int member(ObservationBatch batch, int dialogue) {
    return wanted(hash(batch, dialogue))
        ? members.computeIfAbsent(batch.id(dialogue), id -> members.size())
        : -1;
  }

  static int[] none(int dialogues) {
    int[] none = new int[dialogues];
    Arrays.fill(none, -1);
    return none;
  }

  static long hash(String id) {
    byte[] bytes = id.getBytes(UTF_8);
    return hash(bytes, 0, bytes.length);
  }

  private static long hash(ObservationBatch batch, int dialogue) {
    int[] ends = batch.idEnds();
    return hash(batch.ids(), dialogue == 0 ? 0 : ends[dialogue - 1], ends[dialogue]);
  }

  private static long hash(byte[] bytes, int from, int to) {
    long h = 0xcbf29ce484222325L;
    for (int i = from; i < to; i++) {
      h = (h ^ (bytes[i] & 0xff)) * 0x100000001b3L;
    }
    h = (h ^ h >>> 33) * 0xff51afd7ed558ccdL;
    h = (h ^ h >>> 33) * 0xc4ceb9fe1a85ec53L;
    return h ^ h >>> 33;
  }
}
