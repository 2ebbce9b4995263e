package resure.run;

/** What became of a request: the expected cases, so that no exception stands for one. */
public sealed interface Outcome<T> {

  /** It was done; what it changed is durable. */
  record Done<T>(T value) implements Outcome<T> {}

  /**
   * It was not done.
   *
   * @param refusal why
   * @param detail what a person needs to know beyond that; may be empty
   */
  record Refused<T>(Refusal refusal, String detail) implements Outcome<T> {}

  /** Done, with a value. */
  static <T> Outcome<T> done(T value) {
    return new Done<>(value);
  }

  /** Not done, with no more to say than why. */
  static <T> Outcome<T> refused(Refusal refusal) {
    return new Refused<>(refusal, "");
  }
}
