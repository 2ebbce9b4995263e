package resure.run;

import resure.compute.Reference;

/**
 * What the batches of one open step are weighed against.
 *
 * @param triples statistics of the turns
 * @param runMean mean weight of everything in them
 */
record OpenReference(Reference triples, RunMean runMean) {}
