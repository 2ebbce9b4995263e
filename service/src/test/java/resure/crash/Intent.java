package resure.crash;

import org.jspecify.annotations.Nullable;

/**
 * What a client wants of a run. It may have to call more than once for it, so that a call is told
 * from what it is made for; no two of a test are equal but those of reading.
 */
sealed interface Intent {

  /** Name of the run. */
  String run();

  /** To have a run, for the {@code number}th time. */
  record Create(String run, int number, String configuration) implements Intent {}

  /** To have a batch weighed. */
  record Post(String run, SentBatch batch) implements Intent {}

  /** To go on from a step, as a new start of the trainer. */
  record Rewind(String run, long nextStep, String attempt) implements Intent {}

  /** To end the training. */
  record Finish(String run, int number) implements Intent {}

  /** To have the run no longer. */
  record Delete(String run, int number) implements Intent {}

  /**
   * To look at the run, or at its statistics.
   *
   * @param atLeast sequence that the statistics must have come to; 0 for none
   */
  record Read(String run, boolean statistics, long atLeast) implements Intent {}

  /** Method of its requests. */
  default String method() {
    return switch (this) {
      case Create _ -> "PUT";
      case Delete _ -> "DELETE";
      case Read _ -> "GET";
      case Post _, Rewind _, Finish _ -> "POST";
    };
  }

  /** Path and query of its requests. */
  default String path() {
    String path = "/v1/runs/" + run();
    return switch (this) {
      case Create _, Delete _ -> path;
      case Post _ -> path + "/observations";
      case Rewind _ -> path + "/rewind";
      case Finish _ -> path + "/finish";
      case Read read when !read.statistics() -> path;
      case Read read ->
          path + "/statistics" + (read.atLeast() > 0 ? "?atLeastSequence=" + read.atLeast() : "");
    };
  }

  /** Body of its requests; empty for none. */
  default String body() {
    return switch (this) {
      case Create create -> create.configuration();
      case Post post -> post.batch().body();
      case Rewind rewind ->
          "{\"nextStep\":%d,\"attempt\":\"%s\"}".formatted(rewind.nextStep(), rewind.attempt());
      case Finish _, Delete _, Read _ -> "";
    };
  }

  /** Idempotency key of its requests, if they have one. */
  default @Nullable String key() {
    return this instanceof Post post ? post.batch().key() : null;
  }
}
