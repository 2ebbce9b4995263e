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

  /** Spellings of numbers: of JSON's, of other languages' and of nobody's. */
  private static final String[] NUMBERS = {
    "-Infinity",
    "+Infinity",
    "-NaN",
    "INF",
    "-INF",
    "nan",
    "infinity",
    "+1",
    "-01",
    "01.5",
    "1.",
    ".5",
    "-.5",
    "1.e5",
    "1e",
    "1e-",
    "1E+",
    "--1",
    "1e5.0",
    "0x10",
    "1_000",
    "1f",
    "1d",
    "10n",
    "\u0663",
    "1e+0000000000000000000001",
    "1e-0000000000400",
    "0e99999999999999999999",
    "1e99999999999999999999",
    "1e-99999999999999999999",
    "-0e-0",
    "-0.0",
    "0.0000",
    "1e309",
    "1.7976931348623157e308",
    "1.7976931348623159e308",
    "17976931348623158e292",
    "2.2250738585072011e-308",
    "2.2250738585072014e-308",
    "2.4703282292062327e-324",
    "2.4703282292062328e-324",
    "5e-324",
    "9007199254740991",
    "9007199254740992",
    "9223372036854775807",
    "9223372036854775808",
    "18446744073709551615",
    "18446744073709551616",
    "9999999999999999999",
    "10000000000000000000",
    "0.30000000000000004",
    "100000000000000016777215",
    "100000000000000016777216",
    "8.5e-1",
    "1e23",
    "8.988465674311579e307",
    "123456789012345678901234567890e-20"
  };

  /** What tempts a parser that is kinder than JSON, or reads bytes as characters too early. */
  private static final String[] TEMPTATIONS = {
    "/*x*/",
    "//\n",
    "#\n",
    "'a'",
    "id:",
    "\"\\u0069d\":\"b\",",
    "\"\\u006cosses\":[1],",
    "\"\":1,",
    "\\x41",
    "\\'",
    "\\u12",
    "\\U0041",
    "\\uD83D\\u0041",
    "\\uD83D\\uD83D\\uDE00",
    "\\/",
    "\\b\\f",
    "\f",
    "\u000b",
    "\u00a0",
    "\u2028",
    "\ufeff",
    "\u0000",
    "\u0007",
    "\t",
    "\r",
    "\u007f",
    "\uffff",
    ",,",
    ",]",
    ",}",
    "[,",
    "{,",
    "undefined",
    "None",
    "nul",
    "True",
    "]]",
    "}}",
    "{}{}",
    "\"rank\":0,\"rank\":0,",
    "\"dialogues\":[],",
    "\"Id\":\"a\",",
    "\"weights\":null,"
  };

  /** Bytes that are not UTF-8: overlong, surrogates, beyond Unicode, cut, stray. */
  private static final String[] NOT_UTF_8 = {
    "80",
    "BF",
    "C0",
    "C080",
    "C1BF",
    "C2",
    "C3",
    "E0",
    "E080",
    "E08080",
    "E09FBF",
    "EDA080",
    "EDBFBF",
    "EDA0BDEDB880",
    "F0",
    "F08080AF",
    "F08FBFBF",
    "F09F98",
    "F4908080",
    "F5808080",
    "F888808080",
    "FC8480808080",
    "FE",
    "FF",
    "FFFE",
    "FEFF",
    "EFBBBF",
    "EFBB"
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

  /** The same with some bytes removed, repeated, changed, or added, or cut off. */
  byte[] mutated(byte[] body) {
    byte[] mutated = body;
    for (int faults = 1 + random.nextInt(2); faults > 0; faults--) {
      mutated = mutated(mutated, fragment(), random);
    }
    return random.nextInt(50) == 0
        ? Arrays.copyOf(mutated, random.nextInt(mutated.length + 1))
        : mutated;
  }

  private byte[] fragment() {
    return switch (random.nextInt(16)) {
      case 0, 1, 2 -> oneOf(NUMBERS).getBytes(UTF_8);
      case 3, 4 -> oneOf(TEMPTATIONS).getBytes(UTF_8);
      case 5 -> HexFormat.of().parseHex(oneOf(NOT_UTF_8));
      case 6 -> digits().getBytes(UTF_8);
      case 7 -> random.nextInt(8) > 0 ? loss().getBytes(UTF_8) : nested().getBytes(UTF_8);
      case 8 -> slice(batch());
      default -> oneOf(FRAGMENTS).getBytes(UTF_8);
    };
  }

  private String oneOf(String[] choices) {
    return choices[random.nextInt(choices.length)];
  }

  /** A number of many digits, more than any fast way takes. */
  private String digits() {
    StringBuilder digits = new StringBuilder(random.nextBoolean() ? "0." : "1");
    for (int left = random.nextInt(random.nextInt(8) == 0 ? 900 : 40); left > 0; left--) {
      digits.append((char) ('0' + (random.nextBoolean() ? 0 : random.nextInt(10))));
    }
    return digits
        .append(random.nextInt(10))
        .append(random.nextBoolean() ? "e-" : "e")
        .append(random.nextInt(400))
        .toString();
  }

  /** Arrays and objects deep in each other, closed or not. */
  private String nested() {
    int depth = random.nextInt(1_200);
    boolean objects = random.nextBoolean();
    String open = objects ? "{\"a\":" : "[";
    return open.repeat(depth)
        + "1"
        + (objects ? "}" : "]").repeat(depth - random.nextInt(2) * Math.min(depth, 1));
  }

  /** A part of a body, from one character that gives it structure to another. */
  private byte[] slice(byte[] body) {
    int from = structural(body, random.nextInt(body.length));
    int to = structural(body, random.nextInt(body.length));
    return Arrays.copyOfRange(body, Math.min(from, to), Math.max(from, to));
  }

  private static int structural(byte[] body, int from) {
    int at = from;
    while (at < body.length && ",:[]{}\"".indexOf(body[at]) < 0) {
      at++;
    }
    return at;
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
