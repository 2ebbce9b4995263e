package resure.client;

import java.util.Locale;

/** Why a step went on without the service's weights. */
public enum FallbackReason {
  /** No answer came by the deadline. */
  TIMEOUT,
  /** The service cannot be reached, or answered that it cannot serve now. */
  UNAVAILABLE,
  /** Something answered that is not the service, or its answer came broken. */
  UNEXPECTED,
  /** Batches kept from an outage go first, and more of them than the deadline has time for. */
  BEHIND,
  /** The service refused the batch, or the run's settings. */
  REFUSED,
  /** Another attempt has taken the run over: this trainer should stop. */
  OVERTAKEN,
  /** In local mode: no statistics have come yet. */
  NO_STATISTICS;

  /** The name in a meter's tag. */
  String label() {
    return name().toLowerCase(Locale.ROOT).replace('_', '-');
  }

  /** Of a failure after which the same may be tried again. */
  static FallbackReason of(ResureException failure) {
    return failure instanceof UnexpectedAnswerException
            || (failure instanceof ProblemException problem
                && problem.type() == ProblemType.FOREIGN
                && problem.status() < 500)
        ? UNEXPECTED
        : UNAVAILABLE;
  }
}
