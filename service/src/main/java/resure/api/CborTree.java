package resure.api;

import java.math.BigDecimal;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/**
 * Reads a small body in CBOR as the tree that the same JSON would be. Not by Jackson, which passes
 * over tags and takes names that are numbers.
 */
final class CborTree {

  /** Up to here a double is the whole number that was read. */
  private static final double EXACT = 0x1p53;

  private static final JsonNodeFactory NODES = JsonNodeFactory.instance;

  private final CborScanner in = new CborScanner();

  /** Pointer to the value that is being read. */
  private final StringBuilder pointer = new StringBuilder();

  private CborTree() {}

  /** The tree of the first {@code length} bytes. */
  static JsonNode read(byte[] body, int length) {
    return new CborTree().tree(body, length);
  }

  private JsonNode tree(byte[] body, int length) {
    in.start(body, length);
    try {
      JsonNode tree = value();
      in.expectEnd();
      return tree;
    } catch (ProblemException problem) {
      in.checkSyntax();
      throw problem;
    }
  }

  private JsonNode value() {
    if (in.startObject()) {
      return object();
    }
    if (in.startArray()) {
      ArrayNode array = NODES.arrayNode();
      int at = pointer.length();
      while (in.nextElement()) {
        pointer.append('/').append(array.size());
        array.add(value());
        pointer.setLength(at);
      }
      return array;
    }
    if (in.atText()) {
      return NODES.stringNode(in.wholeText());
    }
    if (in.atNumber()) {
      return number();
    }
    if (in.takeNull()) {
      return NODES.nullNode();
    }
    if (in.takeTrue()) {
      return NODES.booleanNode(true);
    }
    if (in.takeFalse()) {
      return NODES.booleanNode(false);
    }
    throw ProblemException.invalid(
        pointer.toString(), "must be a kind of value that JSON has too, and without a tag.");
  }

  private ObjectNode object() {
    ObjectNode object = NODES.objectNode();
    int at = pointer.length();
    while (in.nextField()) {
      if (!in.atText()) {
        throw ProblemException.invalid(pointer.toString(), "must have names that are text.");
      }
      String name = in.wholeText();
      pointer.append('/').append(Text.pointerToken(name));
      if (object.has(name)) {
        throw ProblemException.invalid(pointer.toString(), "The field is given twice.");
      }
      object.set(name, value());
      pointer.setLength(at);
    }
    return object;
  }

  private JsonNode number() {
    boolean integer = in.atInteger();
    double value = in.number();
    if (!integer) {
      return NODES.numberNode(value);
    }
    // A larger one is out of the range of every whole number, and rounded where it may be any.
    return Math.abs(value) < EXACT
        ? NODES.numberNode((long) value)
        : NODES.numberNode(new BigDecimal(value).toBigInteger());
  }
}
