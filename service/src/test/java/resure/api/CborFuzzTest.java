package resure.api;

import java.util.HexFormat;
import java.util.Random;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import resure.observation.ObservationBatch;
import tools.jackson.core.JacksonException;
import tools.jackson.core.json.JsonReadFeature;
import tools.jackson.core.json.JsonWriteFeature;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.dataformat.cbor.CBORFactory;
import tools.jackson.dataformat.cbor.CBORMapper;

/**
 * Bodies in CBOR by chance: right ones in every form are the batch that the JSON is, and of damaged
 * ones the pseudocode of the RFC says which are well-formed and Jackson what they say.
 */
class CborFuzzTest {

  private static final int MAX_LOSSES = 64;

  private static final String[] FRAGMENTS = {
    "F6",
    "F4",
    "F5",
    "F7",
    "FF",
    "00",
    "20",
    "18",
    "1B",
    "3B",
    "40",
    "41",
    "60",
    "61",
    "78",
    "7F",
    "80",
    "81",
    "9F",
    "A0",
    "A1",
    "BF",
    "C0",
    "C2",
    "D8",
    "E0",
    "F8",
    "F814",
    "F820",
    "F9",
    "FA",
    "FB",
    "F97E00",
    "F97C00",
    "F9FC00",
    "F93C00",
    "FA3F800000",
    "FB3FF199999999999A",
    "1C",
    "3E",
    "5F",
    "5F4101FF",
    "7F6161FF",
    "9FFF",
    "BFFF",
    "1BFFFFFFFFFFFFFFFF",
    "3BFFFFFFFFFFFFFFFF",
    "9BFFFFFFFFFFFFFFFF",
    "BB7FFFFFFFFFFFFFFF",
    "7B0000000000000001",
    "C249010000000000000000",
    "626964",
    "666C6F73736573",
    "66746F6B656E73",
    "6161",
    "62C3A9",
    "61FF",
    "63EDA080",
    "6100",
    "647374657001",
    "01",
    "0A",
    "8101",
    "820102",
    "A16161F6",
    "C0F6",
    "C1C1"
  };

  private final JsonMapper json =
      JsonMapper.builder()
          .enable(JsonReadFeature.ALLOW_NON_NUMERIC_NUMBERS)
          .disable(JsonWriteFeature.WRITE_NAN_AS_STRINGS)
          .build();

  private final BatchReader reader = new BatchReader(MAX_LOSSES);
  private final BatchOracle oracle = new BatchOracle(MAX_LOSSES, new CBORFactory());

  private int accepted;
  private int refused;
  private int malformed;

  @Test
  void readsWhatJacksonReadsBitForBitAndRefusesTheRest() {
    run(20_260_131, 50_000);
  }

  /** Runs longer: {@code seed bodies}. */
  public static void main(String[] args) {
    CborFuzzTest fuzz = new CborFuzzTest();
    fuzz.run(Long.parseLong(args[0]), Integer.parseInt(args[1]));
    System.out.printf(
        "%d accepted, %d refused, %d malformed%n", fuzz.accepted, fuzz.refused, fuzz.malformed);
  }

  private void run(long seed, int bodies) {
    GeneratedBodies generated = new GeneratedBodies(seed);
    Random random = new Random(seed);
    CborForms forms = new CborForms(random);
    CBORMapper jackson = new CBORMapper();
    for (int i = 0; i < bodies; i++) {
      JsonNode tree = json.readTree(generated.batch());
      byte[] body = forms.of(tree);
      boolean right = i % 4 == 0;
      if (i % 8 == 0) {
        // Numbers beyond 64 bits are floats now: Jackson would tag them.
        body = jackson.writeValueAsBytes(jackson.readTree(body));
      }
      if (!right) {
        body = damaged(body, random);
      }
      try {
        check(body, right ? json.writeValueAsBytes(tree) : null);
      } catch (RuntimeException | AssertionError e) {
        throw new AssertionError(
            "seed " + seed + ", body " + i + ": " + HexFormat.of().formatHex(body), e);
      }
    }
    if (accepted < bodies / 4 || refused < bodies / 20 || malformed < bodies / 4) {
      throw new AssertionError(accepted + ", " + refused + ", " + malformed + ": a poor mixture");
    }
  }

  private static byte[] damaged(byte[] body, Random random) {
    byte[] damaged = body;
    for (int faults = 1 + random.nextInt(2); faults > 0; faults--) {
      byte[] fragment = HexFormat.of().parseHex(FRAGMENTS[random.nextInt(FRAGMENTS.length)]);
      damaged = GeneratedBodies.mutated(damaged, fragment, random);
    }
    return damaged;
  }

  /** Compares with the same body in JSON, where that is given. */
  private void check(byte[] body, byte @Nullable [] sameInJson) {
    WellFormedCbor.Kind kind = WellFormedCbor.kind(body);
    ObservationBatch expected = null;
    if (kind == WellFormedCbor.Kind.LIKE_JSON) {
      try {
        expected = oracle.read(body);
      } catch (BatchOracle.Refused e) {
        // No batch.
      } catch (JacksonException e) {
        throw new AssertionError("not well-formed to Jackson", e);
      }
    }
    ObservationBatch actual;
    try {
      actual = reader.read(Representation.CBOR, body, body.length);
    } catch (ProblemException problem) {
      require(expected == null && sameInJson == null, "refused: " + problem.detail());
      boolean unparsable = problem.type() == ProblemType.MALFORMED_BODY;
      require(
          unparsable == (kind == WellFormedCbor.Kind.MALFORMED),
          kind + ", but " + problem.detail());
      malformed += unparsable ? 1 : 0;
      refused += unparsable ? 0 : 1;
      return;
    }
    require(expected != null, "accepted, but " + kind);
    requireSame(actual, expected);
    if (sameInJson != null) {
      requireSame(actual, reader.read(Representation.JSON, sameInJson, sameInJson.length));
    }
    accepted++;
  }

  private static void requireSame(ObservationBatch actual, @Nullable ObservationBatch expected) {
    require(
        expected != null
            && actual.sameObservations(expected)
            && String.valueOf(actual.attempt()).equals(String.valueOf(expected.attempt())),
        "read differently");
  }

  private static void require(boolean condition, String otherwise) {
    if (!condition) {
      throw new AssertionError(otherwise);
    }
  }
}
