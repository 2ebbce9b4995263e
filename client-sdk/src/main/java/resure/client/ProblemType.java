package resure.client;

import java.util.Locale;

/** The stable types of the service's problem answers; the contract describes each. */
public enum ProblemType {
  MALFORMED_BODY,
  INVALID_FIELD,
  INVALID_PARAMETER,
  LIMIT_EXCEEDED,
  UNAUTHENTICATED,
  INSUFFICIENT_SCOPE,
  FOREIGN_ORIGIN,
  UNKNOWN_RUN,
  UNKNOWN_REPLAY,
  NOT_FOUND,
  METHOD_NOT_ALLOWED,
  NOT_ACCEPTABLE,
  RUN_CONFLICT,
  STALE_ATTEMPT,
  RUN_FINISHED,
  STEP_TOO_OLD,
  SEQUENCE_NOT_REACHED,
  BODY_TOO_LARGE,
  UNSUPPORTED_MEDIA_TYPE,
  KEY_REUSED,
  STEPS_MIXED,
  RUN_WITHOUT_STEPS,
  NO_OBSERVATIONS,
  UNKNOWN_LABELS,
  EVALUATIONS_FULL,
  REPLAYS_FULL,
  TOO_MANY_REPLAYS,
  TOO_MANY_STREAMS,
  QUOTA_EXCEEDED,
  QUEUE_FULL,
  INTERNAL,
  ISSUER_UNAVAILABLE,
  STORE_UNAVAILABLE,
  OUTCOME_UNKNOWN,
  RUN_DAMAGED,
  /** An error's status without a problem: from something between here and the service. */
  FOREIGN,
  /** One that this version of the SDK does not know. */
  UNKNOWN;

  private static final String PREFIX = "urn:resure:problem:";

  /** The type that an answer names. */
  static ProblemType of(String uri) {
    for (ProblemType type : values()) {
      if (type != FOREIGN
          && uri.equals(PREFIX + type.name().toLowerCase(Locale.ROOT).replace('_', '-'))) {
        return type;
      }
    }
    return UNKNOWN;
  }
}
