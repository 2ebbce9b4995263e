package resure.api;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HexFormat;
import java.util.List;
import java.util.Random;
import java.util.function.Supplier;

/** Bodies of POSTs of losses by chance: right ones in every spelling, and such with faults. */
final class GeneratedBodies {

  private static final String[] FRAGMENTS = {
    "null",
    "NaN",
    "Infinity",
    "-",
    "-0",
    "0",
    "00",
    ".",
    "e",
    "E+",
    "1e400",
    "4.9e-324",
    "\"",
    "\\",
    "\\u00e9",
    "\\ud83d",
    "\\ude00",
    "\\u0000",
    "é",
    "😀",
    "[",
    "]",
    "{",
    "}",
    ",",
    ":",
    " ",
    "\n",
    "true",
    "false",
    "\"id\":\"a\",",
    "\"losses\":[],",
    "\"tokens\":null,",
    "\"step\":1,",
    "12.0",
    "[[]]",
    "9007199254740993",
    "0.1234567890123456789",
    "\"x\":{\"y\":[1,{}]},"
  };

  private static final HexFormat LOWER = HexFormat.of();
  private static final HexFormat UPPER = LOWER.withUpperCase();

  private final Random random;

  GeneratedBodies(long seed) {
    random = new Random(seed);
  }

  /** A body that is a batch of less than 64 losses. */
  byte[] batch() {
    return object(
            List.of(
                () -> field("step", maybeNull(this::integer)),
                () -> field("rank", integer()),
                () -> field("microBatch", integer()),
                () -> field("attempt", maybeNull(this::text))),
            field("dialogues", array(random.nextInt(4), this::dialogue)))
        .getBytes(UTF_8);
  }

  /** The same with some bytes removed, repeated, changed, or added. */
  byte[] mutated(byte[] body) {
    byte[] mutated = body;
    for (int faults = 1 + random.nextInt(2); faults > 0; faults--) {
      mutated =
          mutated(mutated, FRAGMENTS[random.nextInt(FRAGMENTS.length)].getBytes(UTF_8), random);
    }
    return mutated;
  }

  /** The same with one fault, for which a fragment may be used. */
  static byte[] mutated(byte[] body, byte[] fragment, Random random) {
    int from = random.nextInt(body.length + 1);
    int to = Math.min(body.length, from + (random.nextBoolean() ? 1 : random.nextInt(8)));
    byte[] middle =
        switch (random.nextInt(6)) {
          case 0 -> new byte[0];
          case 1 -> new byte[] {(byte) random.nextInt(256)};
          case 2 -> new byte[] {(byte) (' ' + random.nextInt(95))};
          case 3 -> fragment;
          case 4 -> {
            int start = random.nextInt(body.length + 1);
            yield Arrays.copyOfRange(
                body, start, Math.min(body.length, start + random.nextInt(40)));
          }
          default -> {
            to = from;
            yield fragment;
          }
        };
    byte[] joined = new byte[from + middle.length + body.length - to];
    System.arraycopy(body, 0, joined, 0, from);
    System.arraycopy(middle, 0, joined, from, middle.length);
    System.arraycopy(body, to, joined, from + middle.length, body.length - to);
    return joined;
  }

  private String dialogue() {
    int size = random.nextInt(6);
    boolean[] supervised = new boolean[size];
    for (int i = 0; i < size; i++) {
      supervised[i] = random.nextInt(6) > 0;
    }
    int[] next = {0, 0};
    return object(
        List.of(
            () -> field("source", maybeNull(this::text)),
            () -> field("firstTurn", integer()),
            () -> field("tokens", maybeNull(() -> array(size, () -> maybeNull(this::integer)))),
            () -> field("weights", array(size, () -> supervised[next[0]++] ? finite() : "null"))),
        field("id", text()),
        field("losses", array(size, () -> supervised[next[1]++] ? loss() : "null")));
  }

  private String object(List<Supplier<String>> optional, String... required) {
    List<String> fields = new ArrayList<>(List.of(required));
    for (Supplier<String> field : optional) {
      if (random.nextInt(3) == 0) {
        fields.add(field.get());
      }
    }
    Collections.shuffle(fields, random);
    return "{" + space() + String.join("," + space(), fields) + "}" + space();
  }

  private String field(String name, String value) {
    return escaped(name, 40) + space() + ":" + space() + value;
  }

  private String array(int size, Supplier<String> element) {
    List<String> elements = new ArrayList<>();
    for (int i = 0; i < size; i++) {
      elements.add(element.get() + space());
    }
    return "[" + space() + String.join("," + space(), elements) + "]" + space();
  }

  private String maybeNull(Supplier<String> value) {
    return random.nextInt(4) == 0 ? "null" : value.get();
  }

  private String space() {
    return switch (random.nextInt(8)) {
      case 0 -> "\r\n";
      case 1 -> "\t  ";
      case 2, 3, 4 -> " ";
      default -> "";
    };
  }

  private String integer() {
    return switch (random.nextInt(4)) {
      case 0 -> "0";
      case 1 -> String.valueOf((1L << 53) - 1 - random.nextInt(3));
      default -> String.valueOf(random.nextLong(1L << random.nextInt(1, 53)));
    };
  }

  private String loss() {
    return switch (random.nextInt(12)) {
      case 0 -> "NaN";
      case 1 -> random.nextBoolean() ? "Infinity" : "-Infinity";
      case 2 -> Double.toString(Double.longBitsToDouble(random.nextLong()));
      case 3 -> random.nextLong() + "e" + random.nextInt(-400, 400);
      case 4 -> midpoint();
      case 5 -> "-" + finite();
      default -> finite();
    };
  }

  /** A number of at least 0 within the range of a double. */
  private String finite() {
    return switch (random.nextInt(8)) {
      case 0 -> random.nextBoolean() ? "0" : "0.0E-5";
      case 1 -> new BigDecimal(random.nextDouble()).toString();
      case 2 -> String.valueOf(random.nextLong() >>> (1 + random.nextInt(63)));
      case 3 -> "0." + "0".repeat(random.nextInt(24)) + (random.nextLong() >>> 1);
      case 4 -> (random.nextLong() >>> 1) + "." + random.nextInt(1000) + "e-" + random.nextInt(40);
      default -> Double.toString((double) (float) (8 * random.nextDouble()));
    };
  }

  /** What lies halfway between two doubles, or a little beside it. */
  private String midpoint() {
    double low = Math.scalb(1 + random.nextDouble(), random.nextInt(-60, 60));
    BigDecimal middle =
        new BigDecimal(low).add(new BigDecimal(Math.nextUp(low))).divide(BigDecimal.TWO);
    return middle.add(BigDecimal.valueOf(random.nextInt(-1, 2), middle.scale() + 5)).toString();
  }

  private String text() {
    int length = random.nextInt(20) == 0 ? 256 : 1 + random.nextInt(6);
    StringBuilder text = new StringBuilder();
    for (int i = 0; i < length; i++) {
      switch (random.nextInt(40)) {
        case 0 -> text.appendCodePoint(1 + random.nextInt(31));
        case 1 -> text.append(random.nextBoolean() ? '"' : '\\');
        case 2 -> text.appendCodePoint(0x80 + random.nextInt(0xD000));
        case 3 -> text.appendCodePoint(0x10000 + random.nextInt(0x100000));
        default -> text.append((char) ('a' + random.nextInt(3)));
      }
    }
    return escaped(text.toString(), 8);
  }

  /** A string, of whose characters one in {@code rarity} is escaped without need. */
  private String escaped(String text, int rarity) {
    StringBuilder json = new StringBuilder("\"");
    text.codePoints()
        .forEach(
            c -> {
              if (c < ' ' || c == '"' || c == '\\' || random.nextInt(rarity) == 0) {
                for (char unit : Character.toChars(c)) {
                  json.append("\\u")
                      .append((random.nextBoolean() ? LOWER : UPPER).toHexDigits(unit));
                }
              } else {
                json.appendCodePoint(c);
              }
            });
    return json.append('"').toString();
  }
}
