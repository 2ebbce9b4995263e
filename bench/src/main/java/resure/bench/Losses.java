package resure.bench;

import java.util.Random;

/**
 * Losses as a trainer has them: float32, lower for later turns, a twentieth of the dialogues bad
 * from start to end. The same for the same seed.
 */
public final class Losses {

  private Losses() {}

  /** One batch, dialogue after dialogue; each value is a float32. */
  public static double[] batch(Shape shape, long seed) {
    return batch(shape.losses(), shape.turns(), seed);
  }

  /** As many losses, in dialogues of so many turns; the last dialogue may be shorter. */
  static double[] batch(int count, int turns, long seed) {
    Random random = new Random(seed);
    double[] losses = new double[count];
    for (int i = 0; i < count; ) {
      double bad = random.nextInt(20) == 0 ? 1.2 : 0;
      for (int turn = 0; turn < turns && i < count; turn++) {
        double loss = 2.6 - 0.05 * turn + bad + 0.4 * random.nextGaussian();
        losses[i++] = (float) Math.max(0.05, loss);
      }
    }
    return losses;
  }
}
