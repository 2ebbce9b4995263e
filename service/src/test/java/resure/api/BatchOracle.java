package resure.api;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.ByteArrayOutputStream;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import resure.observation.ObservationBatch;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.core.ObjectReadContext;
import tools.jackson.core.StreamReadConstraints;
import tools.jackson.core.TokenStreamFactory;
import tools.jackson.core.json.JsonFactory;
import tools.jackson.core.json.JsonReadFeature;
import tools.jackson.dataformat.cbor.CBORParser;

/**
 * Reads a batch the slow and plain way: Jackson's tokens into maps and lists, then the rules of the
 * contract one after the other. Shares no code with {@link BatchReader}.
 */
final class BatchOracle {

  /** The body is JSON, but no batch. */
  static final class Refused extends Exception {
    private static final long serialVersionUID = 1L;

    Refused(String reason) {
      super(reason);
    }
  }

  private record Literal(String text) {}

  private static final BigInteger LARGEST = BigInteger.TWO.pow(53).subtract(BigInteger.ONE);

  private final TokenStreamFactory factory;
  private final int maxLosses;

  /** Of JSON. */
  BatchOracle(int maxLosses) {
    this(
        maxLosses,
        JsonFactory.builder()
            .enable(JsonReadFeature.ALLOW_NON_NUMERIC_NUMBERS)
            .streamReadConstraints(
                StreamReadConstraints.builder()
                    .maxNumberLength(1_000_000)
                    .maxNestingDepth(10_000)
                    .build())
            .build());
  }

  BatchOracle(int maxLosses, TokenStreamFactory factory) {
    this.maxLosses = maxLosses;
    this.factory = factory;
  }

  /** The batch in a body; throws what Jackson throws where it is not well-formed. */
  ObservationBatch read(byte[] body) throws Refused {
    Duplicates duplicates = new Duplicates();
    Object tree;
    try (JsonParser parser = factory.createParser(ObjectReadContext.empty(), body)) {
      parser.nextToken();
      tree = value(parser, duplicates);
      if (parser.nextToken() != null) {
        throw new JacksonException("trailing token") {};
      }
    }
    require(!duplicates.found, "duplicates");
    return batch(tree);
  }

  private static final class Duplicates {
    boolean found;
  }

  private static @Nullable Object value(JsonParser parser, Duplicates duplicates) {
    JsonToken token = parser.currentToken();
    if (token == null) {
      throw new JacksonException("no value") {};
    }
    return switch (token) {
      case START_OBJECT -> {
        Map<String, @Nullable Object> object = new HashMap<>();
        while (parser.nextToken() != JsonToken.END_OBJECT) {
          String name = parser.currentName();
          parser.nextToken();
          duplicates.found |= object.containsKey(name);
          object.put(name, value(parser, duplicates));
        }
        yield object;
      }
      case START_ARRAY -> {
        List<@Nullable Object> array = new ArrayList<>();
        while (parser.nextToken() != JsonToken.END_ARRAY) {
          array.add(value(parser, duplicates));
        }
        yield array;
      }
      case VALUE_STRING -> parser.getString();
      case VALUE_NUMBER_INT, VALUE_NUMBER_FLOAT -> {
        // Text of a number that was never text may be that of a float of fewer bits.
        String number =
            parser instanceof CBORParser && token == JsonToken.VALUE_NUMBER_FLOAT
                ? Double.toString(parser.getDoubleValue())
                : parser.getString();
        // Jackson knows more spellings than Python's: +Infinity, -INF.
        if (!number.matches("-?[0-9].*|NaN|-?Infinity")) {
          throw new JacksonException("number") {};
        }
        yield new Literal(number);
      }
      case VALUE_TRUE -> true;
      case VALUE_FALSE -> false;
      case VALUE_NULL -> null;
      default -> throw new AssertionError(token);
    };
  }

  private ObservationBatch batch(@Nullable Object tree) throws Refused {
    Map<?, ?> batch = object(tree, "step", "rank", "microBatch", "attempt", "dialogues");
    List<?> dialogues = array(batch.get("dialogues"));
    List<Integer> offsets = new ArrayList<>(List.of(0));
    List<Double> losses = new ArrayList<>();
    BitSet unsupervised = new BitSet();
    List<Long> firstTurns = new ArrayList<>();
    ByteArrayOutputStream ids = new ByteArrayOutputStream();
    List<Integer> idEnds = new ArrayList<>();
    List<String> sources = new ArrayList<>();
    List<Integer> sourceOf = new ArrayList<>();
    List<Long> tokens = new ArrayList<>();
    List<Double> weights = new ArrayList<>();
    for (Object element : dialogues) {
      Map<?, ?> dialogue =
          object(element, "id", "source", "firstTurn", "losses", "tokens", "weights");
      ids.writeBytes(text(dialogue.get("id")).getBytes(UTF_8));
      idEnds.add(ids.size());
      firstTurns.add(dialogue.containsKey("firstTurn") ? integer(dialogue.get("firstTurn")) : 0);
      sourceOf.add(-1);
      if (dialogue.get("source") != null) {
        String source = text(dialogue.get("source"));
        if (!sources.contains(source)) {
          sources.add(source);
        }
        sourceOf.set(sourceOf.size() - 1, sources.indexOf(source));
      }
      List<?> dialogueLosses = array(dialogue.get("losses"));
      int size = dialogueLosses.size();
      List<?> dialogueTokens = column(dialogue.get("tokens"), size);
      List<?> dialogueWeights = column(dialogue.get("weights"), size);
      for (int i = 0; i < size; i++) {
        Object loss = dialogueLosses.get(i);
        if (loss == null) {
          unsupervised.set(losses.size());
        }
        losses.add(loss == null ? Double.NaN : number(loss));
        Object count = dialogueTokens.get(i);
        tokens.add(count == null ? 0 : integer(count));
        Object weight = dialogueWeights.get(i);
        weights.add(weight == null ? Double.NaN : number(weight));
        if (dialogue.get("weights") != null) {
          require((weight == null) == (loss == null), "null weights");
          require(weight == null || number(weight) >= 0, "weight");
          require(weight == null || Double.isFinite(number(weight)), "weight");
        }
      }
      offsets.add(losses.size());
    }
    require(losses.size() <= maxLosses, "limit");
    Object step = batch.get("step");
    Object attempt = batch.get("attempt");
    return new ObservationBatch(
        step == null ? ObservationBatch.NO_STEP : integer(step),
        batch.containsKey("rank") ? integer(batch.get("rank")) : 0,
        batch.containsKey("microBatch") ? integer(batch.get("microBatch")) : 0,
        attempt == null ? null : text(attempt),
        offsets.stream().mapToInt(i -> i).toArray(),
        losses.stream().mapToDouble(d -> d).toArray(),
        words(unsupervised, losses.size()),
        firstTurns.stream().allMatch(t -> t == 0) ? null : longs(firstTurns),
        ids.toByteArray(),
        idEnds.stream().mapToInt(i -> i).toArray(),
        sources,
        sources.isEmpty() ? null : sourceOf.stream().mapToInt(i -> i).toArray(),
        tokens.stream().allMatch(t -> t == 0) ? null : longs(tokens),
        weights.stream().allMatch(w -> w.isNaN())
            ? null
            : weights.stream().mapToDouble(d -> d).toArray());
  }

  private static long[] longs(List<Long> values) {
    return values.stream().mapToLong(l -> l).toArray();
  }

  private static long @Nullable [] words(BitSet bits, int size) {
    if (bits.isEmpty()) {
      return null;
    }
    long[] words = new long[(size + 63) / 64];
    bits.stream().forEach(i -> words[i / 64] |= 1L << (i % 64));
    return words;
  }

  private static Map<?, ?> object(@Nullable Object value, String... fields) throws Refused {
    if (value instanceof Map<?, ?> map) {
      require(Set.of(fields).containsAll(map.keySet()), "unknown field");
      return map;
    }
    throw new Refused("object");
  }

  private static List<?> array(@Nullable Object value) throws Refused {
    if (value instanceof List<?> list) {
      return list;
    }
    throw new Refused("array");
  }

  /** A column that may be missing. */
  private static List<?> column(@Nullable Object value, int size) throws Refused {
    if (value == null) {
      return new ArrayList<>(Collections.nCopies(size, null));
    }
    List<?> column = array(value);
    require(column.size() == size, "shape");
    return column;
  }

  private static double number(@Nullable Object value) throws Refused {
    if (value instanceof Literal literal) {
      return Double.parseDouble(literal.text());
    }
    throw new Refused("number");
  }

  private static long integer(@Nullable Object value) throws Refused {
    if (value instanceof Literal literal && literal.text().matches("-?[0-9]+")) {
      BigInteger integer = new BigInteger(literal.text());
      if (integer.signum() >= 0 && integer.compareTo(LARGEST) <= 0) {
        return integer.longValue();
      }
    }
    throw new Refused("integer");
  }

  private static String text(@Nullable Object value) throws Refused {
    if (value instanceof String text) {
      require(!text.isEmpty() && text.codePointCount(0, text.length()) <= 256, "length");
      require(
          text.codePoints().noneMatch(c -> c == 0 || (c >= 0xD800 && c <= 0xDFFF)), "characters");
      return text;
    }
    throw new Refused("text");
  }

  private static void require(boolean condition, String reason) throws Refused {
    if (!condition) {
      throw new Refused(reason);
    }
  }
}
