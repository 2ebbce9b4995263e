package resure.compute;

/**
 * Usable losses of one fold class, in columns: as many as fit in memory, whole dialogues, in the
 * order in which they were recorded. What a {@link Sweep} weighs for many configurations at once.
 * The arrays may be longer than {@code size}; nobody changes them while a sweep reads them.
 */
public final class SweepWindow {

  private final int size;
  private final double[] losses;
  private final double[] zs;
  private final int[] cells;
  private final double[] means;
  private final double[] sds;
  private final int[] slots;
  private final int slotCount;
  private final int[] sources;
  private final int sourceCount;
  private final int[] gaps;

  /**
   * Takes over all arrays.
   *
   * @param size number of observations
   * @param losses the losses
   * @param zs z-scores; NaN in warm-up, where the weight is 1 before propagation
   * @param cells which of the references' slots each was compared with: an index into {@code means}
   *     and {@code sds}; meaningless where z is NaN
   * @param means mean of each cell
   * @param sds standard deviation of each cell
   * @param slots slot of each observation, below {@code slotCount}
   * @param slotCount number of slots
   * @param sources source of each observation, below {@code sourceCount}
   * @param sourceCount number of sources
   * @param gaps how many turns after the usable one before it in its dialogue; 0 for the first
   *     usable one of a dialogue
   */
  public SweepWindow(
      int size,
      double[] losses,
      double[] zs,
      int[] cells,
      double[] means,
      double[] sds,
      int[] slots,
      int slotCount,
      int[] sources,
      int sourceCount,
      int[] gaps) {
    this.size = size;
    this.losses = losses;
    this.zs = zs;
    this.cells = cells;
    this.means = means;
    this.sds = sds;
    this.slots = slots;
    this.slotCount = slotCount;
    this.sources = sources;
    this.sourceCount = sourceCount;
    this.gaps = gaps;
  }

  /** Number of observations. */
  public int size() {
    return size;
  }

  /** The losses. */
  public double[] losses() {
    return losses;
  }

  /** Z-scores; NaN in warm-up, where the weight is 1 before propagation. */
  public double[] zs() {
    return zs;
  }

  /**
   * Which of the references' slots each was compared with: an index into {@code means} and {@code
   * sds}; meaningless where z is NaN.
   */
  public int[] cells() {
    return cells;
  }

  /** Mean of each cell. */
  public double[] means() {
    return means;
  }

  /** Standard deviation of each cell. */
  public double[] sds() {
    return sds;
  }

  /** Slot of each observation, below {@code slotCount}. */
  public int[] slots() {
    return slots;
  }

  /** Number of slots. */
  public int slotCount() {
    return slotCount;
  }

  /** Source of each observation, below {@code sourceCount}. */
  public int[] sources() {
    return sources;
  }

  /** Number of sources. */
  public int sourceCount() {
    return sourceCount;
  }

  /**
   * How many turns after the usable one before it in its dialogue; 0 for the first usable one of a
   * dialogue.
   */
  public int[] gaps() {
    return gaps;
  }
}
