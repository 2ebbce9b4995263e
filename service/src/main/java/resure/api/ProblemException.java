package resure.api;

import org.jspecify.annotations.Nullable;

/**
 * A request that is answered with a problem. Carries no stack trace: it is an answer, not a fault.
 */
final class ProblemException extends RuntimeException {

  private static final long serialVersionUID = 1L;

  private final ProblemType type;
  private final @Nullable String member;
  private final @Nullable String value;

  private ProblemException(
      ProblemType type, String detail, @Nullable String member, @Nullable String value) {
    super(detail, null, false, false);
    this.type = type;
    this.member = member;
    this.value = value;
  }

  /** With a sentence that says what is wrong and what to do. */
  static ProblemException of(ProblemType type, String detail) {
    return new ProblemException(type, detail, null, null);
  }

  /** A problem of the body's field at a JSON pointer (RFC 6901). */
  static ProblemException at(ProblemType type, String pointer, String detail) {
    return new ProblemException(type, detail, "pointer", pointer);
  }

  /** A field that is not valid. */
  static ProblemException invalid(String pointer, String detail) {
    return at(ProblemType.INVALID_FIELD, pointer, detail);
  }

  /** A part of the path, a query parameter or a header that is not valid. */
  static ProblemException parameter(String name, String detail) {
    return new ProblemException(ProblemType.INVALID_PARAMETER, detail, "parameter", name);
  }

  /** A limit, by the name of its property, that is exceeded. */
  static ProblemException limit(ProblemType type, String property, String detail) {
    return new ProblemException(type, detail, "limit", property);
  }

  ProblemType type() {
    return type;
  }

  /** Name of the member that says where: {@code pointer}, {@code parameter} or {@code limit}. */
  @Nullable String member() {
    return member;
  }

  /** Value of that member. */
  @Nullable String value() {
    return value;
  }

  String detail() {
    return String.valueOf(getMessage());
  }
}
