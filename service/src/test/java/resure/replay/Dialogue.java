package resure.replay;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.ByteArrayOutputStream;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;
import resure.observation.ObservationBatch;

/** A dialogue of a batch in tests; a null loss has no supervision. */
record Dialogue(String id, @Nullable String source, long firstTurn, @Nullable Double... losses) {

  static ObservationBatch batch(
      long step, long rank, long microBatch, @Nullable String attempt, List<Dialogue> dialogues) {
    int[] offsets = new int[dialogues.size() + 1];
    long[] firstTurns = new long[dialogues.size()];
    int[] idEnds = new int[dialogues.size()];
    int[] sourceOf = new int[dialogues.size()];
    List<String> sources = new ArrayList<>();
    ByteArrayOutputStream ids = new ByteArrayOutputStream();
    List<@Nullable Double> all = new ArrayList<>();
    for (int d = 0; d < dialogues.size(); d++) {
      Dialogue dialogue = dialogues.get(d);
      all.addAll(Arrays.asList(dialogue.losses));
      offsets[d + 1] = all.size();
      firstTurns[d] = dialogue.firstTurn;
      ids.writeBytes(dialogue.id.getBytes(UTF_8));
      idEnds[d] = ids.size();
      String source = dialogue.source;
      if (source != null && !sources.contains(source)) {
        sources.add(source);
      }
      sourceOf[d] = source == null ? -1 : sources.indexOf(source);
    }
    double[] losses = new double[all.size()];
    long[] unsupervised = new long[(all.size() + 63) / 64];
    boolean some = false;
    for (int i = 0; i < losses.length; i++) {
      Double loss = all.get(i);
      losses[i] = loss == null ? Double.NaN : loss;
      if (loss == null) {
        unsupervised[i / 64] |= 1L << i;
        some = true;
      }
    }
    return new ObservationBatch(
        step,
        rank,
        microBatch,
        attempt,
        offsets,
        losses,
        some ? unsupervised : null,
        firstTurns,
        ids.toByteArray(),
        idEnds,
        sources,
        sources.isEmpty() ? null : sourceOf,
        null,
        null);
  }
}
