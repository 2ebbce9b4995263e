package resure.replay;

import resure.run.Scored;

/** A recorded batch with what every configuration needs of it alike. Immutable. */
final class Recorded {

  private static final int[] NONE_SAMPLED = {};

  private final Scored scored;
  private final int[] sources;
  private final int[] sampled;
  private final boolean[] bad;

  private Recorded(Scored scored, int[] sources, int[] sampled, boolean[] bad) {
    this.scored = scored;
    this.sources = sources;
    this.sampled = sampled;
    this.bad = bad;
  }

  static Recorded of(Scored scored, SourceTable sources, Sample sample, Labels labels) {
    int dialogues = scored.batch().dialogues();
    int[] sampled = NONE_SAMPLED;
    for (int d = 0; d < dialogues; d++) {
      int member = sample.member(scored.batch(), d);
      if (member >= 0) {
        sampled = sampled.length > 0 ? sampled : Sample.none(dialogues);
        sampled[d] = member;
      }
    }
    return new Recorded(scored, sources.of(scored.batch()), sampled, labels.bad(scored.batch()));
  }

  Scored scored() {
    return scored;
  }

  /** Index in the table of sources. */
  int source(int dialogue) {
    return sources[dialogue];
  }

  /** Whether any dialogue of it is sampled. */
  boolean sampled() {
    return sampled.length > 0;
  }

  /** Which dialogue of the sample this is a visit of; -1 for none of it. */
  int sampled(int dialogue) {
    return sampled[dialogue];
  }

  /** Whether a loss is labelled bad. */
  boolean bad(int i) {
    return bad.length > 0 && bad[i];
  }
}
