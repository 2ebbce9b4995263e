package resure.api;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;

import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import org.junit.jupiter.api.Test;
import resure.observation.ObservationBatch;
import tools.jackson.core.JacksonException;

class BatchReaderFuzzTest {

  private static final int MAX_LOSSES = 64;

  private final BatchReader reader = new BatchReader(MAX_LOSSES);
  private final BatchOracle oracle = new BatchOracle(MAX_LOSSES);

  private int accepted;
  private int refused;
  private int malformed;

  @Test
  void readsWhatJacksonReadsBitForBitAndRefusesTheRest() {
    run(20_260_131, 100_000);
  }

  /** Runs longer: {@code seed bodies}. */
  public static void main(String[] args) {
    BatchReaderFuzzTest fuzz = new BatchReaderFuzzTest();
    fuzz.run(Long.parseLong(args[0]), Integer.parseInt(args[1]));
    System.out.printf(
        "%d accepted, %d refused, %d malformed%n", fuzz.accepted, fuzz.refused, fuzz.malformed);
  }

  private void run(long seed, int bodies) {
    GeneratedBodies generated = new GeneratedBodies(seed);
    for (int i = 0; i < bodies; i++) {
      byte[] body = generated.batch();
      boolean right = i % 4 == 0;
      if (!right) {
        body = generated.mutated(body);
      }
      try {
        check(body, right);
      } catch (RuntimeException | AssertionError e) {
        String text = new String(body, ISO_8859_1);
        throw new AssertionError("seed " + seed + ", body " + i + " (Latin-1): " + text, e);
      }
    }
    if (accepted < bodies / 4 || refused < bodies / 20 || malformed < bodies / 4) {
      throw new AssertionError(accepted + ", " + refused + ", " + malformed + ": a poor mixture");
    }
  }

  private void check(byte[] body, boolean right) {
    ObservationBatch expected;
    try {
      // Jackson lets some byte sequences pass that are not UTF-8.
      UTF_8.newDecoder().decode(ByteBuffer.wrap(body));
      expected = oracle.read(body);
      accepted++;
    } catch (JacksonException | CharacterCodingException | BatchOracle.Refused e) {
      if (right) {
        throw new AssertionError("not a batch to the oracle", e);
      }
      expectProblem(body, e);
      return;
    }
    ObservationBatch actual = reader.read(Representation.JSON, body, body.length);
    if (!actual.sameObservations(expected)
        || !String.valueOf(actual.attempt()).equals(String.valueOf(expected.attempt()))) {
      throw new AssertionError("read differently");
    }
  }

  private void expectProblem(byte[] body, Exception oracle) {
    boolean isJson = oracle instanceof BatchOracle.Refused;
    refused += isJson ? 1 : 0;
    malformed += isJson ? 0 : 1;
    try {
      reader.read(Representation.JSON, body, body.length);
    } catch (ProblemException problem) {
      // The grammar of JSON allows half a surrogate pair, escaped; Jackson does not in names.
      boolean undecided = String.valueOf(oracle.getMessage()).contains("surrogate");
      if (!undecided && isJson == (problem.type() == ProblemType.MALFORMED_BODY)) {
        throw new AssertionError(problem.type() + " " + problem.detail(), oracle);
      }
      return;
    }
    throw new AssertionError("accepted", oracle);
  }
}
