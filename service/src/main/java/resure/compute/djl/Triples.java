package resure.compute.djl;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDArrays;
import ai.djl.ndarray.NDManager;

/** Columns of (n, mean, M2) on the device; n of an empty triple is 0. */
record Triples(NDArray n, NDArray mean, NDArray m2) {

  Triples take(NDManager owner, NDArray indices) {
    return new Triples(n.take(owner, indices), mean.take(owner, indices), m2.take(owner, indices));
  }

  /** With n and M2 multiplied by a factor each. */
  Triples aged(NDArray factors) {
    return new Triples(n.mul(factors), mean, m2.mul(factors));
  }

  /**
   * Element by element (Chan, Golub, LeVeque 1983, eq. 1.5), in the order of operations of {@code
   * MomentsTable}, and exact where either side is empty.
   */
  Triples merge(Triples b) {
    NDArray nothingHere = n.lte(0);
    NDArray nothingThere = b.n.lte(0);
    NDArray total = n.add(b.n);
    NDArray d = b.mean.sub(mean);
    NDArray mergedMean = d.mul(b.n).divi(total).add(mean);
    NDArray mergedM2 = d.mul(d).muli(n).muli(b.n).divi(total);
    mergedM2 = m2.add(b.m2).addi(mergedM2);
    return new Triples(
        total,
        choose(nothingThere, mean, choose(nothingHere, b.mean, mergedMean)),
        choose(nothingThere, m2, choose(nothingHere, b.m2, mergedM2)));
  }

  private static NDArray choose(NDArray condition, NDArray yes, NDArray no) {
    return NDArrays.where(condition, yes, no);
  }
}
