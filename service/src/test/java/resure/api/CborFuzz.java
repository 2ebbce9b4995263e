package resure.api;

import java.util.Arrays;
import java.util.HexFormat;
import java.util.Map;
import java.util.Random;
import org.jspecify.annotations.Nullable;
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
 * ones the pseudocode of the RFC says which are well-formed and Jackson what they say, to {@link
 * BatchReader} and to {@link CborTree}. One thread.
 */
final class CborFuzz {

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
    "C1C1",
    // Bignums, decimal fractions, dates, self-described.
    "C240",
    "C241FF",
    "C349010000000000000000",
    "C2581F" + "FF".repeat(31),
    "C25F41014102FF",
    "C48221196AB3",
    "C5822003",
    "C11A514B67B0",
    "D9D9F7",
    "DBFFFFFFFFFFFFFFFFF6",
    // Lengths of 2^63 and thereabouts, of 2^31 and thereabouts.
    "5B8000000000000000",
    "7B8000000000000000",
    "9B8000000000000000",
    "BB8000000000000000",
    "9B7FFFFFFFFFFFFFFF",
    "BB4000000000000001",
    "7BFFFFFFFFFFFFFFFF",
    "9A7FFFFFFF",
    "BA80000000",
    "7AFFFFFFFF",
    "99FFFF",
    "5F5B8000000000000000",
    // Halves: subnormal, largest, beside one; NaNs of other bits; negative zeros.
    "F90001",
    "F98001",
    "F903FF",
    "F97BFF",
    "F93BFF",
    "F97E01",
    "F9FE00",
    "F98000",
    "FA7FC00001",
    "FA7FA00000",
    "FA00000001",
    "FA80000000",
    "FBFFF8000000000001",
    "FB7FF0000000000001",
    "FB0000000000000001",
    "FB8000000000000000",
    // Integers at the edges.
    "17",
    "1817",
    "1BFFFFFFFFFFFFFC00",
    "1B8000000000000401",
    "3B7FFFFFFFFFFFFFFF",
    "3BFFFFFFFFFFFFFBFF",
    "1B001FFFFFFFFFFFFF",
    "1B0020000000000000",
    // Text: empty, overlong, cut between parts, beyond Unicode, nested in itself.
    "7F61C361A9FF",
    "7F7F6161FFFF",
    "7F4161FF",
    "62C080",
    "64F4908080",
    "64F09F9880",
    "7F60FF",
    "63EFBBBF",
    "DFFF",
    "FFFF",
    "F800",
    "F8FF",
    "FC",
    "FE"
  };

  private final JsonMapper json =
      JsonMapper.builder()
          .enable(JsonReadFeature.ALLOW_NON_NUMERIC_NUMBERS)
          .disable(JsonWriteFeature.WRITE_NAN_AS_STRINGS)
          .build();

  private final CBORMapper jackson = new CBORMapper();
  private final BatchReader reader = new BatchReader(MAX_LOSSES);
  private final BatchOracle oracle = new BatchOracle(MAX_LOSSES, new CBORFactory());

  /** Tries as many bodies as wanted, a quarter of them right; the same ones for the same seed. */
  FuzzTally run(long seed, int bodies) {
    GeneratedBodies generated = new GeneratedBodies(seed);
    Random random = new Random(seed);
    CborForms forms = new CborForms(random);
    FuzzTally tally = FuzzTally.NONE;
    for (int i = 0; i < bodies; i++) {
      JsonNode tree = json.readTree(generated.batch());
      byte[] body = forms.of(tree);
      boolean right = i % 4 == 0;
      if (i % 8 == 0) {
        // Numbers beyond 64 bits are floats now: Jackson would tag them.
        body = jackson.writeValueAsBytes(jackson.readTree(body));
      }
      if (!right) {
        body = i % 4 == 1 ? forms.of(tree, 1 + random.nextInt(40)) : damaged(body, random);
      }
      try {
        tally = tally.with(check(body, right ? json.writeValueAsBytes(tree) : null));
      } catch (RuntimeException | AssertionError | StackOverflowError e) {
        throw new AssertionError(
            "seed " + seed + ", body " + i + ": " + HexFormat.of().formatHex(body), e);
      }
    }
    return tally.requireMixture();
  }

  private static byte[] damaged(byte[] body, Random random) {
    byte[] damaged = body;
    for (int faults = 1 + random.nextInt(2); faults > 0; faults--) {
      damaged = GeneratedBodies.mutated(damaged, fragment(body, random), random);
    }
    return random.nextInt(50) == 0
        ? Arrays.copyOf(damaged, random.nextInt(damaged.length + 1))
        : damaged;
  }

  private static byte[] fragment(byte[] body, Random random) {
    String hex =
        switch (random.nextInt(32)) {
          case 0 -> "F9" + HexFormat.of().toHexDigits((short) random.nextInt());
          case 1 -> "FA" + HexFormat.of().toHexDigits(random.nextInt());
          case 2 -> "FB" + HexFormat.of().toHexDigits(random.nextLong());
          case 3 ->
              HexFormat.of().toHexDigits((byte) (27 | random.nextInt(8) << 5))
                  + HexFormat.of().toHexDigits(random.nextLong() >> random.nextInt(64));
          case 4 -> (random.nextBoolean() ? "81" : "9F").repeat(random.nextInt(520)) + "01";
          case 5 -> (random.nextBoolean() ? "A16161" : "BF6161").repeat(random.nextInt(520));
          case 6 -> {
            int from = random.nextInt(body.length);
            int to = from + random.nextInt(body.length - from);
            yield HexFormat.of().formatHex(body, from, to);
          }
          default -> FRAGMENTS[random.nextInt(FRAGMENTS.length)];
        };
    return HexFormat.of().parseHex(hex);
  }

  /** What both say of a body; fails where they differ, or from the same in JSON if given. */
  Verdict check(byte[] body, byte @Nullable [] sameInJson) {
    WellFormedCbor.Kind kind = WellFormedCbor.kind(body);
    checkTree(body, kind);
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
      boolean malformed = problem.type() == ProblemType.MALFORMED_BODY;
      require(
          malformed == (kind == WellFormedCbor.Kind.MALFORMED), kind + ", but " + problem.detail());
      return malformed ? Verdict.MALFORMED : Verdict.REFUSED;
    }
    require(expected != null, "accepted, but " + kind);
    JsonFuzz.requireSame(actual, expected);
    if (sameInJson != null) {
      JsonFuzz.requireSame(actual, reader.read(Representation.JSON, sameInJson, sameInJson.length));
    }
    return Verdict.ACCEPTED;
  }

  private void checkTree(byte[] body, WellFormedCbor.Kind kind) {
    JsonNode tree;
    try {
      tree = CborTree.read(body, body.length);
    } catch (ProblemException problem) {
      boolean malformed = problem.type() == ProblemType.MALFORMED_BODY;
      require(
          malformed == (kind == WellFormedCbor.Kind.MALFORMED),
          "as a small body " + kind + ", but " + problem.detail());
      return;
    }
    require(kind == WellFormedCbor.Kind.LIKE_JSON, "accepted as a small body, but " + kind);
    require(same(tree, jackson.readTree(body)), "as a small body read differently");
  }

  /** Whether two trees agree, numbers as doubles. */
  private static boolean same(JsonNode one, JsonNode other) {
    if (one.isNumber() && other.isNumber()) {
      return one.isIntegralNumber() == other.isIntegralNumber()
          && Double.compare(one.doubleValue(), other.doubleValue()) == 0;
    }
    if (one.getNodeType() != other.getNodeType() || one.size() != other.size()) {
      return false;
    }
    if (one.isObject()) {
      for (Map.Entry<String, JsonNode> field : one.properties()) {
        JsonNode value = other.get(field.getKey());
        if (value == null || !same(field.getValue(), value)) {
          return false;
        }
      }
      return true;
    }
    for (int i = 0; i < one.size(); i++) {
      if (!same(one.get(i), other.get(i))) {
        return false;
      }
    }
    return one.size() > 0 || one.equals(other);
  }

  private static void require(boolean condition, String otherwise) {
    if (!condition) {
      throw new AssertionError(otherwise);
    }
  }
}
