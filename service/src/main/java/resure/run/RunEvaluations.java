package resure.run;

import java.util.List;

/**
 * All evaluations of a run that stand.
 *
 * @param run its name
 * @param evaluations in order of sequence
 */
public record RunEvaluations(String run, List<Evaluation> evaluations) {
  /** Copies the list. */
  public RunEvaluations {
    evaluations = List.copyOf(evaluations);
  }
}
