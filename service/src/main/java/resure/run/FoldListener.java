package resure.run;

/**
 * Is told of each step that a run folds, ascending, as its journal is applied: in live traffic, by
 * what follows other processes, and in recovery alike. On the thread that applies; must not block.
 */
@FunctionalInterface
public interface FoldListener {

  /** Tells nobody. */
  FoldListener NONE = step -> {};

  void folded(FoldedStep step);
}
