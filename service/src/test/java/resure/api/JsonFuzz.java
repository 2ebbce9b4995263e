package resure.api;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;

import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import org.jspecify.annotations.Nullable;
import resure.observation.ObservationBatch;
import tools.jackson.core.JacksonException;

/**
 * Holds {@link BatchReader}, and {@link Json} as far as it must not fail otherwise than by a
 * problem, to what Jackson says of bodies in JSON. One thread.
 */
final class JsonFuzz {

  private static final int MAX_LOSSES = 64;

  private final BatchReader reader = new BatchReader(MAX_LOSSES);
  private final BatchOracle oracle = new BatchOracle(MAX_LOSSES);

  /** Tries as many bodies as wanted, a quarter of them right; the same ones for the same seed. */
  FuzzTally run(long seed, int bodies) {
    GeneratedBodies generated = new GeneratedBodies(seed);
    FuzzTally tally = FuzzTally.NONE;
    for (int i = 0; i < bodies; i++) {
      byte[] body = generated.batch();
      boolean right = i % 4 == 0;
      if (!right) {
        body = generated.mutated(body);
      }
      try {
        Verdict verdict = check(body);
        if (right && verdict != Verdict.ACCEPTED) {
          throw new AssertionError(verdict);
        }
        tally = tally.with(verdict);
      } catch (Exception | AssertionError | StackOverflowError e) {
        String text = new String(body, ISO_8859_1);
        throw new AssertionError("seed " + seed + ", body " + i + " (Latin-1): " + text, e);
      }
    }
    return tally.requireMixture();
  }

  /** What both say of a body; fails where they differ. */
  Verdict check(byte[] body) {
    ObservationBatch expected = null;
    boolean isJson = true;
    String reason = "";
    try {
      expected = expected(body);
    } catch (JacksonException | CharacterCodingException e) {
      isJson = false;
      reason = String.valueOf(e.getMessage());
    } catch (BatchOracle.Refused e) {
      reason = String.valueOf(e.getMessage());
    }
    // The grammar of JSON allows half a surrogate pair, escaped; Jackson does not in names.
    boolean undecided = !isJson && reason.contains("surrogate");
    checkTree(body, isJson || undecided);
    ObservationBatch actual;
    try {
      actual = reader.read(Representation.JSON, body, body.length);
    } catch (ProblemException problem) {
      boolean malformed = problem.type() == ProblemType.MALFORMED_BODY;
      if (expected != null || (!undecided && isJson == malformed)) {
        throw new AssertionError(problem.detail() + " But to Jackson: " + reason, problem);
      }
      return malformed ? Verdict.MALFORMED : Verdict.REFUSED;
    }
    if (expected == null) {
      throw new AssertionError("accepted, but " + reason);
    }
    requireSame(actual, expected);
    return Verdict.ACCEPTED;
  }

  private ObservationBatch expected(byte[] body)
      throws CharacterCodingException, BatchOracle.Refused {
    // Jackson lets some byte sequences pass that are not UTF-8, skips a byte order mark, and takes
    // NULs for a sign of another encoding.
    String text = UTF_8.newDecoder().decode(ByteBuffer.wrap(body)).toString();
    if (text.startsWith("\ufeff") || text.indexOf(0) >= 0) {
      throw new CharacterCodingException();
    }
    return oracle.read(body);
  }

  /** What reads small bodies is Jackson itself: it may be stricter, and says so by a problem. */
  private static void checkTree(byte[] body, boolean isJson) {
    try {
      Json.read(Representation.JSON, body, body.length);
    } catch (ProblemException e) {
      return;
    }
    if (!isJson && body.length > 0) {
      throw new AssertionError("accepted as a small body, but no JSON");
    }
  }

  static void requireSame(ObservationBatch actual, @Nullable ObservationBatch expected) {
    if (expected == null
        || !actual.sameObservations(expected)
        || !String.valueOf(actual.attempt()).equals(String.valueOf(expected.attempt()))) {
      throw new AssertionError("read differently");
    }
  }
}
