package resure.api;

import java.util.Locale;

/** The stable types of problem answers (RFC 9457), each with its status and title. */
enum ProblemType {
  /** Not JSON, not UTF-8, or cut. */
  MALFORMED_BODY(400, "The body cannot be parsed"),
  /** A field of the body is missing, unknown, repeated, of a wrong type, or out of its range. */
  INVALID_FIELD(422, "A field is not valid"),
  /** The same for a part of the path, a query parameter or a header. */
  INVALID_PARAMETER(422, "A parameter is not valid"),
  /** A configurable limit of the service, named in {@code limit}, is exceeded. */
  LIMIT_EXCEEDED(422, "A limit of the service is exceeded"),
  /** No credentials, or none that are valid. */
  UNAUTHENTICATED(401, "Credentials are needed"),
  /** The credentials are valid, and do not allow this; {@code scope} names what would. */
  INSUFFICIENT_SCOPE(403, "The credentials do not allow this"),
  /** A page of another origin, or under another name of this machine, asks. */
  FOREIGN_ORIGIN(403, "The request comes from elsewhere"),
  UNKNOWN_RUN(404, "There is no such run"),
  UNKNOWN_REPLAY(404, "The run has no such replay"),
  NOT_FOUND(404, "There is nothing at this address"),
  METHOD_NOT_ALLOWED(405, "This address does not take this method"),
  NOT_ACCEPTABLE(406, "No representation that the client accepts"),
  /** A run of this name exists and differs in a field that was sent. */
  RUN_CONFLICT(409, "A different run of this name exists"),
  /** A batch or rewind of an attempt that is not, or no longer, the current one. */
  STALE_ATTEMPT(409, "This is not the run's current attempt"),
  /** A batch past the newest step of a finished run, or one without a step. */
  RUN_FINISHED(409, "The run is finished"),
  /** A batch of, or a rewind to, a step whose losses the run's retention has dropped. */
  STEP_TOO_OLD(409, "The step is older than what the run keeps"),
  /** The run has not come to the sequence that was asked for. */
  SEQUENCE_NOT_REACHED(409, "The run has not come to this sequence"),
  BODY_TOO_LARGE(413, "The body is too large"),
  UNSUPPORTED_MEDIA_TYPE(415, "The body is of a media type that is not understood"),
  /** The idempotency key stands for another body. */
  KEY_REUSED(422, "The idempotency key was used for another body"),
  /** A batch with a step on a run without steps, or the other way round. */
  STEPS_MIXED(422, "The run's batches either all name their step or none does"),
  /** A rewind, or an export by steps, of a run whose batches name no step. */
  RUN_WITHOUT_STEPS(422, "The run has no steps"),
  /** A replay of a run in which nothing is recorded. */
  NO_OBSERVATIONS(422, "The run has no observations"),
  /** Labels of what never occurs in the run; listed in {@code unknown}. */
  UNKNOWN_LABELS(422, "Some labels name nothing in this run"),
  /** The run keeps as many replays as it may. */
  REPLAYS_FULL(422, "The run keeps as many replays as it may"),
  /** The run keeps as many evaluations as it may. */
  EVALUATIONS_FULL(422, "The run keeps as many evaluations as it may"),
  /** As many replays are unfinished as may. */
  TOO_MANY_REPLAYS(429, "Too many replays are unfinished"),
  /** As many event streams are open as may. */
  TOO_MANY_STREAMS(429, "Too many event streams are open"),
  /** The tenant uses as much of something as it may; {@code limit} names what bounds it. */
  QUOTA_EXCEEDED(429, "A quota of the tenant is used up"),
  QUEUE_FULL(429, "The service is busy"),
  INTERNAL(500, "The service failed"),
  /** Whether a token is valid cannot be found out now. */
  ISSUER_UNAVAILABLE(503, "The issuer of tokens is unavailable"),
  STORE_UNAVAILABLE(503, "The store is unavailable"),
  /** The batch may have been recorded; only a retry with the same key finds out. */
  OUTCOME_UNKNOWN(503, "The batch may or may not have been recorded"),
  /** What is stored of this run is damaged. */
  RUN_DAMAGED(503, "The run's records are damaged");

  private final int status;
  private final String title;

  ProblemType(int status, String title) {
    this.status = status;
    this.title = title;
  }

  int status() {
    return status;
  }

  String title() {
    return title;
  }

  /** The {@code type} member: {@code urn:resure:problem:unknown-run} and so on. */
  String uri() {
    return "urn:resure:problem:" + shortName();
  }

  /** The same without its prefix. */
  String shortName() {
    return name().toLowerCase(Locale.ROOT).replace('_', '-');
  }
}
