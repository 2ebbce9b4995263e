package resure.client;

/**
 * What weighs and folds in the service.
 *
 * @param backend {@code jvm} or {@code djl}
 * @param device {@code cpu} or {@code gpu:0} and so on
 * @param library what does the arithmetic, with its version
 * @param deviceFailures since the service started
 */
public record ComputeStatus(String backend, String device, String library, long deviceFailures) {}
