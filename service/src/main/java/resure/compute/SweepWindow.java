package resure.compute;

/**
 * Usable losses of one fold class, in columns: as many as fit in memory, whole dialogues, in the
 * order in which they were recorded. What a {@link Sweep} weighs for many configurations at once.
 * The arrays may be longer than {@code size}; nobody changes them while a sweep reads them.
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
 * @param gaps how many turns after the usable one before it in its dialogue; 0 for the first usable
 *     one of a dialogue
 */
public record SweepWindow(
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
    int[] gaps) {}
