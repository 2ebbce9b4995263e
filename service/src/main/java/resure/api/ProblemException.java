package resure.api;

import java.time.Duration;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JsonGenerator;

/**
 * A request that is answered with a problem. Carries no stack trace: it is an answer, not a fault.
 */
final class ProblemException extends RuntimeException {

  private static final long serialVersionUID = 1L;
  private static final long SOON_SECONDS = 1;

  private final ProblemType type;
  private final @Nullable String member;
  private final @Nullable String value;
  private final transient Consumer<JsonGenerator> more;
  private final long retrySeconds;

  private ProblemException(
      ProblemType type,
      String detail,
      @Nullable String member,
      @Nullable String value,
      Consumer<JsonGenerator> more,
      long retrySeconds) {
    super(detail, null, false, false);
    this.type = type;
    this.member = member;
    this.value = value;
    this.more = more;
    this.retrySeconds = retrySeconds;
  }

  private ProblemException(
      ProblemType type, String detail, @Nullable String member, @Nullable String value) {
    this(type, detail, member, value, json -> {}, SOON_SECONDS);
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
    return parameter(ProblemType.INVALID_PARAMETER, name, detail);
  }

  /** A problem with a part of the path, a query parameter or a header. */
  static ProblemException parameter(ProblemType type, String name, String detail) {
    return new ProblemException(type, detail, "parameter", name);
  }

  /** A limit, by the name of its property, that is exceeded. */
  static ProblemException limit(ProblemType type, String property, String detail) {
    return new ProblemException(type, detail, "limit", property);
  }

  /** This with further members, written into its object. */
  ProblemException with(Consumer<JsonGenerator> members) {
    return new ProblemException(type, detail(), member, value, members, retrySeconds);
  }

  /** This, to be tried again after so long; others that may be, after a second. */
  ProblemException after(Duration wait) {
    // A part of a second is a second: who comes too early is refused again.
    return new ProblemException(
        type, detail(), member, value, more, wait.plusNanos(999_999_999).toSeconds());
  }

  /** Seconds after which it may be worth trying again, where it is worth that at all. */
  long retrySeconds() {
    return retrySeconds;
  }

  /** Writes the further members. */
  Consumer<JsonGenerator> more() {
    return more;
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
