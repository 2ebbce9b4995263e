package resure.compute;

/**
 * What computes now.
 *
 * @param backend jvm or djl
 * @param device cpu, or gpu:0 and so on
 * @param library what does the arithmetic, with its version
 * @param deviceFailures how often a device has failed since the start
 */
public record ComputeStatus(String backend, String device, String library, long deviceFailures) {}
