package resure.contract;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** Bodies that no service may take, generated from a valid one. */
final class BadInputs {

  /** What is expected of the answer. */
  enum Expected {
    /** 400: it is not JSON. */
    MALFORMED,
    /** 422 with a pointer: it is JSON, and a field is wrong. */
    INVALID,
    /** Either, where a limit of the parser may say that it is not JSON. */
    REFUSED
  }

  /** A body and what it tries. */
  static final class BadBody {
    private final String what;
    private final byte[] bytes;
    private final Expected expected;

    BadBody(String what, byte[] bytes, Expected expected) {
      this.what = what;
      this.bytes = bytes;
      this.expected = expected;
    }

    String what() {
      return what;
    }

    byte[] bytes() {
      return bytes;
    }

    Expected expected() {
      return expected;
    }
  }

  private static final JsonMapper JSON = JsonMapper.builder().build();

  /** Not numbers of JSON, nor the tokens that losses may be. */
  private static final List<String> NO_NUMBERS =
      List.of(
          "01",
          "-01",
          "+1",
          "-",
          "--1",
          "1.",
          ".5",
          "-.5",
          "1e",
          "1e+",
          "1E-",
          "1.e1",
          "0x10",
          "1_000",
          "1f",
          "1d",
          "0b1",
          "1..2",
          "1e1.5",
          "NaNs",
          "Infinity1",
          "nan",
          "NAN",
          "inf",
          "-NaN",
          "+Infinity",
          "Infinit",
          "INFINITY",
          "1 2",
          "１",
          "undefined",
          "None",
          "True",
          "'1'",
          "-e5",
          "e5",
          "--Infinity",
          "- 1");

  private final String valid;
  private final List<BadBody> bodies = new ArrayList<>();

  private BadInputs(String valid) {
    this.valid = valid;
  }

  /** Every kind of damage to a valid body, which has no white space. */
  static List<BadBody> of(String valid, SplittableRandom random) {
    BadInputs inputs = new BadInputs(valid);
    inputs.truncated();
    inputs.mistyped();
    inputs.unknownAndRepeated();
    inputs.misnumbered();
    inputs.encoded();
    inputs.deep();
    inputs.flipped(random);
    return inputs.bodies;
  }

  private void add(String what, String body, Expected expected) {
    bodies.add(new BadBody(what, body.getBytes(StandardCharsets.UTF_8), expected));
  }

  private void add(String what, byte[] body, Expected expected) {
    bodies.add(new BadBody(what, body, expected));
  }

  private void truncated() {
    byte[] whole = valid.getBytes(StandardCharsets.UTF_8);
    // The empty body is a valid one of PUT.
    for (int length = 1; length < whole.length; length++) {
      add("cut at " + length, java.util.Arrays.copyOf(whole, length), Expected.MALFORMED);
    }
    for (String tail : List.of("}", "]", ",", "{}", "x", "\u0000", "\"", "1", valid)) {
      add("followed by " + tail, valid + tail, Expected.MALFORMED);
    }
  }

  /** Every value replaced by one of each other type. */
  private void mistyped() {
    JsonNode tree = JSON.readTree(valid);
    for (String pointer : pointers(tree)) {
      JsonNode old = tree.at(pointer);
      for (String other :
          List.of("true", "\"text\"", "[]", "{}", "[[]]", "{\"a\":{}}", "-7.5", "\"\"")) {
        JsonNode value = JSON.readTree(other);
        boolean same =
            value.isNumber() == old.isNumber()
                && value.isString() == old.isString()
                && value.isBoolean() == old.isBoolean()
                && value.isObject() == old.isObject()
                && value.isArray() == old.isArray();
        if (!same && !(old.isNull() && value.isNumber())) {
          add(pointer + " is " + other, replaced(tree, pointer, other), Expected.INVALID);
        }
      }
    }
  }

  private static List<String> pointers(JsonNode node) {
    List<String> pointers = new ArrayList<>();
    collect(node, "", pointers);
    return pointers;
  }

  private static void collect(JsonNode node, String pointer, List<String> into) {
    into.add(pointer);
    if (node.isObject()) {
      node.properties()
          .forEach(entry -> collect(entry.getValue(), pointer + "/" + entry.getKey(), into));
    }
    for (int i = 0; node.isArray() && i < node.size(); i++) {
      collect(node.get(i), pointer + "/" + i, into);
    }
  }

  /** The tree with other text, JSON or not, in place of the value at a pointer. */
  private static String replaced(JsonNode tree, String pointer, String text) {
    if (pointer.isEmpty()) {
      return text;
    }
    JsonNode copy = tree.deepCopy();
    int slash = pointer.lastIndexOf('/');
    String last = pointer.substring(slash + 1);
    if (copy.at(pointer.substring(0, slash)) instanceof ObjectNode object) {
      object.put(last, "@");
    } else if (copy.at(pointer.substring(0, slash)) instanceof ArrayNode array) {
      array.set(Integer.parseInt(last), "@");
    }
    return copy.toString().replace("\"@\"", text);
  }

  private void unknownAndRepeated() {
    JsonNode tree = JSON.readTree(valid);
    for (String pointer : pointers(tree)) {
      JsonNode node = tree.at(pointer);
      if (!node.isObject() || pointer.equals("/labels")) {
        continue;
      }
      String object = node.toString();
      String inside = object.substring(1);
      for (String unknown :
          List.of("halflife", "Step", "step ", "\\u0000", "__proto__", "ü", "x".repeat(300))) {
        add(
            pointer + " has " + unknown,
            replaced(
                tree, pointer, "{\"" + unknown + "\":1" + (node.isEmpty() ? "" : ",") + inside),
            Expected.INVALID);
      }
      node.properties()
          .forEach(
              entry -> {
                String field = "\"" + entry.getKey() + "\":" + entry.getValue();
                add(
                    pointer + " repeats " + entry.getKey(),
                    replaced(tree, pointer, "{" + field + "," + inside),
                    Expected.INVALID);
                String escaped =
                    "\"\\u%04x%s\":%s"
                        .formatted(
                            (int) entry.getKey().charAt(0),
                            entry.getKey().substring(1),
                            entry.getValue());
                add(
                    pointer + " repeats escaped " + entry.getKey(),
                    replaced(tree, pointer, "{" + escaped + "," + inside),
                    Expected.INVALID);
              });
    }
  }

  private void misnumbered() {
    JsonNode tree = JSON.readTree(valid);
    for (String pointer : pointers(tree)) {
      if (!tree.at(pointer).isNumber()) {
        continue;
      }
      for (String number : NO_NUMBERS) {
        add(pointer + " is " + number, replaced(tree, pointer, number), Expected.MALFORMED);
      }
      if (!pointer.contains("/losses/")) {
        for (String token : List.of("NaN", "Infinity", "-Infinity")) {
          add(pointer + " is " + token, replaced(tree, pointer, token), Expected.REFUSED);
        }
        for (String huge : List.of("1e999", "-1e999", "1e99999999999", "9".repeat(400))) {
          add(pointer + " is " + huge, replaced(tree, pointer, huge), Expected.INVALID);
        }
      }
      if (tree.at(pointer).isIntegralNumber()) {
        for (String number :
            List.of(
                "-1",
                "1.5",
                "9007199254740992",
                "18446744073709551617",
                "1e-1",
                "1e300",
                "4.000000000000001",
                "4.0",
                "1e2")) {
          add(pointer + " is " + number, replaced(tree, pointer, number), Expected.INVALID);
        }
      }
    }
  }

  private void encoded() {
    add("UTF-16", valid.getBytes(StandardCharsets.UTF_16), Expected.MALFORMED);
    add("UTF-16LE", valid.getBytes(StandardCharsets.UTF_16LE), Expected.MALFORMED);
    add("UTF-16BE", valid.getBytes(StandardCharsets.UTF_16BE), Expected.MALFORMED);
    add("UTF-32", valid.getBytes(java.nio.charset.Charset.forName("UTF-32")), Expected.MALFORMED);
    add("byte order mark", "\uFEFF" + valid, Expected.MALFORMED);
    int[][] sequences = {
      {0xff},
      {0xfe},
      {0x80},
      {0xbf},
      {0xc0, 0x80},
      {0xc1, 0xbf},
      {0xc3},
      {0xc3, 0x28},
      {0xe0, 0x80, 0x80},
      {0xe2, 0x82},
      {0xed, 0xa0, 0x80},
      {0xed, 0xbf, 0xbf},
      {0xf0, 0x80, 0x80, 0x80},
      {0xf0, 0x9f, 0x98},
      {0xf4, 0x90, 0x80, 0x80},
      {0xf5, 0x80, 0x80, 0x80},
      {0xf8, 0x88, 0x80, 0x80, 0x80}
    };
    for (int[] sequence : sequences) {
      for (int at = valid.indexOf('"', 0) + 1; at > 0; at = valid.indexOf('"', at) + 1) {
        add(
            "bytes " + java.util.Arrays.toString(sequence) + " at " + at,
            inserted(at, sequence),
            Expected.MALFORMED);
        if (at > 200) {
          break;
        }
      }
    }
    for (int control = 0; control < 0x20; control++) {
      add("control " + control, inserted(valid.indexOf('"') + 1, control), Expected.MALFORMED);
    }
    for (String escape :
        List.of("\\x", "\\u", "\\u12", "\\u12g4", "\\U0041", "\\'", "\\0", "\\a")) {
      add(
          "escape " + escape,
          valid.replaceFirst("\"", "\"" + escape.replace("\\", "\\\\")),
          Expected.MALFORMED);
    }
    for (String syntax :
        List.of("//c\n", "/*c*/", "#c\n", "\u00a0", "\u2028", "\f", ",", ":", "'", "\u0000")) {
      add("starts with " + syntax, syntax + valid, Expected.MALFORMED);
    }
  }

  private byte[] inserted(int at, int... sequence) {
    byte[] bytes = valid.getBytes(StandardCharsets.UTF_8);
    byte[] result = new byte[bytes.length + sequence.length];
    System.arraycopy(bytes, 0, result, 0, at);
    for (int i = 0; i < sequence.length; i++) {
      result[at + i] = (byte) sequence[i];
    }
    System.arraycopy(bytes, at, result, at + sequence.length, bytes.length - at);
    return result;
  }

  private void deep() {
    JsonNode tree = JSON.readTree(valid);
    for (int depth : List.of(10, 1000, 100_000)) {
      String nested = "[".repeat(depth) + "]".repeat(depth);
      String objects = "{\"a\":".repeat(depth) + "1" + "}".repeat(depth);
      for (String pointer : List.of("", "/" + tree.propertyNames().iterator().next())) {
        add(depth + " arrays at " + pointer, replaced(tree, pointer, nested), Expected.REFUSED);
        add(depth + " objects at " + pointer, replaced(tree, pointer, objects), Expected.REFUSED);
      }
      add(depth + " open arrays", "[".repeat(depth), Expected.REFUSED);
      add(depth + " open objects", "{\"a\":".repeat(depth), Expected.REFUSED);
      add(depth + " unknown levels", "{\"unknown\":" + nested + "}", Expected.REFUSED);
    }
    add("a text of a megabyte", "{\"" + "x".repeat(1 << 20) + "\":1}", Expected.REFUSED);
    add("a megabyte of digits", "{\"unknown\":" + "1".repeat(1 << 20) + "}", Expected.REFUSED);
    add("a megabyte of minus", "-".repeat(1 << 20), Expected.MALFORMED);
  }

  /**
   * One byte replaced by one that JSON never has at any place outside a text, and not inside
   * either.
   */
  private void flipped(SplittableRandom random) {
    byte[] bytes = valid.getBytes(StandardCharsets.UTF_8);
    for (int i = 0; i < 100; i++) {
      byte[] damaged = bytes.clone();
      // Not white space (all at or above 0x09): in place of a number's first digit it is harmless.
      damaged[random.nextInt(bytes.length)] =
          (byte) (random.nextBoolean() ? random.nextInt(0x09) : 0xf8 + random.nextInt(8));
      String text = new String(damaged, StandardCharsets.ISO_8859_1);
      add("damaged to " + text, damaged, Expected.REFUSED);
    }
  }
}
