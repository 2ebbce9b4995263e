package resure.client;

import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.time.format.DateTimeFormatter;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** What went wrong, from an answer with an error's status. */
final class Problems {

  /** Of a detail that is passed on: enough for every sentence of the service. */
  private static final int LONGEST_DETAIL = 500;

  /** No wait asked for is longer: a century of seconds would overflow nanoseconds. */
  private static final long LONGEST_WAIT_SECONDS = Duration.ofDays(1).toSeconds();

  private Problems() {}

  /** The problem that an answer with a status of 400 or above states. */
  static ProblemException of(String call, Reply reply) {
    Duration retryAfter = retryAfter(reply);
    if (reply.mediaType().equals(Reply.PROBLEM)) {
      try {
        return AnswerReader.readJson(reply.body(), in -> read(in, call, reply, retryAfter));
      } catch (UnexpectedAnswerException e) {
        // Cut or garbled: the status still says what to do.
      }
    }
    return new ProblemException(
        reply.status(),
        ProblemType.FOREIGN,
        call
            + " was answered "
            + reply.status()
            + " at "
            + reply.from()
            + ", not by the service: check the address and what is between here and there",
        null,
        retryAfter);
  }

  private static ProblemException read(
      AnswerReader in, String call, Reply reply, @Nullable Duration retryAfter) {
    String type = "";
    String title = "";
    String detail = "";
    String at = null;
    in.beginObject();
    for (String field; (field = in.field()) != null; ) {
      switch (field) {
        case "type" -> type = in.text();
        case "title" -> title = in.text();
        case "detail" -> detail = in.text();
        case "pointer", "parameter", "limit" -> at = in.text();
        default -> in.skip();
      }
    }
    String message =
        call
            + " was answered "
            + reply.status()
            + " at "
            + reply.from()
            + ": "
            + title
            + (at == null ? "" : ", at " + at)
            + ": "
            + detail;
    return new ProblemException(
        reply.status(), ProblemType.of(type), printable(message), at, retryAfter);
  }

  /** On one line and bounded: it goes to logs. */
  static String printable(String text) {
    StringBuilder printable = new StringBuilder();
    text.codePoints()
        .limit(LONGEST_DETAIL)
        .map(c -> Character.isISOControl(c) ? ' ' : c)
        .forEach(printable::appendCodePoint);
    return printable.toString();
  }

  /** In seconds, or as a time, which is reckoned from the answer's own. */
  private static @Nullable Duration retryAfter(Reply reply) {
    Optional<String> value = reply.headers().firstValue("Retry-After").map(String::trim);
    if (value.isEmpty()) {
      return null;
    }
    if (value.get().matches("\\d{1,18}")) {
      return Duration.ofSeconds(Math.min(Long.parseLong(value.get()), LONGEST_WAIT_SECONDS));
    }
    try {
      Instant then = DateTimeFormatter.RFC_1123_DATE_TIME.parse(value.get(), Instant::from);
      Instant now =
          DateTimeFormatter.RFC_1123_DATE_TIME.parse(
              reply.headers().firstValue("Date").orElse(""), Instant::from);
      long seconds = Duration.between(now, then).toSeconds();
      return Duration.ofSeconds(Math.max(0, Math.min(seconds, LONGEST_WAIT_SECONDS)));
    } catch (DateTimeException e) {
      return null;
    }
  }
}
