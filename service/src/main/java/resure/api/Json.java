package resure.api;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.function.Consumer;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonGenerator;
import tools.jackson.core.JsonParser;
import tools.jackson.core.StreamReadFeature;
import tools.jackson.core.exc.StreamReadException;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.ObjectMapper;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.MissingNode;
import tools.jackson.dataformat.cbor.CBORGenerator;
import tools.jackson.dataformat.cbor.CBORMapper;

/** Bodies of everything that is small or rare: strict trees in, a generator out. */
final class Json {

  private static final JsonMapper MAPPER =
      JsonMapper.builder()
          .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          .build();
  private static final CBORMapper CBOR = CBORMapper.builder().build();

  private Json() {}

  /** Parses a body; a missing node when it is empty. */
  static JsonNode read(Representation representation, byte[] body, int length) {
    if (length == 0) {
      return MissingNode.getInstance();
    }
    return switch (representation) {
      case JSON -> read(body, length);
      case CBOR -> CborTree.read(body, length);
    };
  }

  private static JsonNode read(byte[] body, int length) {
    // Jackson is kinder than JSON: of bytes it guesses UTF-16 and UTF-32, and takes overlong UTF-8;
    // of text it takes, for a hexadecimal digit of an escape, what has the lower byte of one.
    JsonScanner scanner = new JsonScanner();
    scanner.start(body, length);
    scanner.checkSyntax();
    try {
      return MAPPER.readTree(new String(body, 0, length, StandardCharsets.UTF_8));
    } catch (StreamReadException e) {
      if (String.valueOf(e.getOriginalMessage()).startsWith("Duplicate")) {
        throw ProblemException.invalid(pointer(e), "The field is given twice.");
      }
      throw malformed(e);
    } catch (JacksonException e) {
      throw malformed(e);
    }
  }

  private static String pointer(StreamReadException e) {
    JsonParser parser = e.processor();
    return parser == null ? "" : parser.streamReadContext().pathAsPointer().toString();
  }

  private static ProblemException malformed(JacksonException e) {
    long offset = e.getLocation() == null ? -1 : e.getLocation().getCharOffset();
    return ProblemException.of(
        ProblemType.MALFORMED_BODY,
        offset < 0
            ? "The body must be one JSON object in UTF-8."
            : "The body must be one JSON object in UTF-8; it stops being one at character "
                + offset
                + ".");
  }

  /** Refuses what is not an object, and an object with other fields than these. */
  static void requireFields(JsonNode json, String at, List<String> known) {
    if (!json.isObject()) {
      throw ProblemException.invalid(at, "must be an object.");
    }
    for (String name : json.propertyNames()) {
      if (!known.contains(name)) {
        throw ProblemException.invalid(
            at + "/" + Text.pointerToken(name),
            known.isEmpty()
                ? "The body has no fields."
                : "There is no such field; known are " + String.join(", ", known) + ".");
      }
    }
  }

  /** The whole number from 0 to 2^53 - 1 that a field of the body must be. */
  static long whole(JsonNode body, String field) {
    JsonNode value = body.path(field);
    if (!value.isIntegralNumber()
        || !value.canConvertToLong()
        || value.longValue() < 0
        || value.longValue() > RunHandler.LARGEST_STEP) {
      throw ProblemException.invalid(
          "/" + field, "must be a whole number from 0 to " + RunHandler.LARGEST_STEP + ".");
    }
    return value.longValue();
  }

  /** Writes a number that was rounded to a float, or null; in CBOR, a double all the same. */
  static void rounded(JsonGenerator json, double value) {
    float rounded = (float) value;
    if (!Float.isFinite(rounded)) {
      json.writeNull();
    } else if (json instanceof CBORGenerator) {
      json.writeNumber((double) rounded);
    } else {
      json.writeNumber(rounded);
    }
  }

  /** Writes one value. */
  static byte[] write(Representation representation, Consumer<JsonGenerator> content) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream(512);
    ObjectMapper mapper = representation == Representation.CBOR ? CBOR : MAPPER;
    try (JsonGenerator json = mapper.createGenerator(bytes)) {
      content.accept(json);
    }
    return bytes.toByteArray();
  }

  /**
   * Writes a number that JSON may not have as {@code null}; in JSON, a whole one without a point.
   */
  static void number(JsonGenerator json, String name, double value) {
    json.writeName(name);
    if (!Double.isFinite(value)) {
      json.writeNull();
    } else if (!(json instanceof CBORGenerator)
        && value == Math.rint(value)
        && Math.abs(value) < 1e15) {
      json.writeNumber((long) value);
    } else {
      json.writeNumber(value);
    }
  }
}
