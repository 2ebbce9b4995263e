package resure.compute;

import java.util.List;
import resure.statistics.BatchMoments;

/**
 * Steps to fold into a reference.
 *
 * @param base what is there
 * @param steps in ascending order; of each step its batches in canonical order
 */
public record Folding(Reference base, List<List<BatchMoments>> steps) {}
