package resure.compute;

import resure.observation.ObservationBatch;

/**
 * A batch and what it is weighed against.
 *
 * @param reference made by the {@link Compute} that is asked
 * @param batch the observations
 */
public record Weighing(Reference reference, ObservationBatch batch) {}
