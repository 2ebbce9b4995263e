package resure.client;

import java.io.InputStream;
import java.time.Instant;
import java.time.format.DateTimeParseException;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.core.ObjectReadContext;
import tools.jackson.core.StreamReadConstraints;
import tools.jackson.core.StreamReadFeature;
import tools.jackson.core.TSFBuilder;
import tools.jackson.core.TokenStreamFactory;
import tools.jackson.core.json.JsonFactory;
import tools.jackson.dataformat.cbor.CBORFactory;

/**
 * A cursor on the body of an answer. It stands on a value, whose reader leaves it on the value's
 * last token. A value of another kind than is asked for is an {@link UnexpectedAnswerException}.
 * Fields that are not known are skipped: a newer service may have more.
 */
final class AnswerReader implements AutoCloseable {

  /** A detail, a name or a label is shorter. */
  private static final int LONGEST_TEXT = 1 << 20;

  private static final TokenStreamFactory CBOR = strict(CBORFactory.builder()).build();
  private static final TokenStreamFactory JSON = strict(JsonFactory.builder()).build();

  private final JsonParser parser;

  private AnswerReader(JsonParser parser) {
    this.parser = parser;
  }

  private static <B extends TSFBuilder<?, B>> B strict(B builder) {
    return builder
        .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
        .streamReadConstraints(
            StreamReadConstraints.builder().maxStringLength(LONGEST_TEXT).build());
  }

  /** Reads a body of CBOR as one value, and nothing after it. */
  static <T> T readCbor(InputStream body, Function<AnswerReader, T> value) {
    return read(CBOR, body, value);
  }

  /** The same of JSON. */
  static <T> T readJson(InputStream body, Function<AnswerReader, T> value) {
    return read(JSON, body, value);
  }

  private static <T> T read(
      TokenStreamFactory format, InputStream body, Function<AnswerReader, T> value) {
    try (AnswerReader in = new AnswerReader(format.createParser(ObjectReadContext.empty(), body))) {
      in.parser.nextToken();
      T read = value.apply(in);
      in.end();
      return read;
    } catch (JacksonException e) {
      throw garbled(e);
    }
  }

  /** A cursor on a body of CBOR that is read as it comes, standing on its first value. */
  static AnswerReader open(InputStream body) {
    AnswerReader in = new AnswerReader(CBOR.createParser(ObjectReadContext.empty(), body));
    in.parser.nextToken();
    return in;
  }

  /** What Jackson's failure to read is. */
  static UnexpectedAnswerException garbled(JacksonException e) {
    return new UnexpectedAnswerException(
        "the answer is cut or garbled: " + e.getOriginalMessage(), e);
  }

  /** Nothing comes after the value that was read. */
  void end() {
    if (parser.nextToken() != null) {
      throw new UnexpectedAnswerException("the answer goes on after its end", null);
    }
  }

  @Override
  public void close() {
    parser.close();
  }

  /** Enters the object that the cursor is on. */
  void beginObject() {
    expect(JsonToken.START_OBJECT, "an object");
  }

  /** The next field's name, the cursor on its value; null at the end of the object. */
  @Nullable String field() {
    if (parser.nextToken() == JsonToken.END_OBJECT) {
      return null;
    }
    String name = parser.currentName();
    parser.nextToken();
    return name;
  }

  /** Enters the array that the cursor is on. */
  void beginArray() {
    expect(JsonToken.START_ARRAY, "an array");
  }

  /** Moves to the array's next element; false at its end. */
  boolean element() {
    return parser.nextToken() != JsonToken.END_ARRAY;
  }

  /** All elements of an array. */
  <T> List<T> list(Function<AnswerReader, T> element) {
    beginArray();
    List<T> list = new ArrayList<>();
    while (element()) {
      list.add(element.apply(this));
    }
    return List.copyOf(list);
  }

  /** Whether the cursor is on text. */
  boolean isText() {
    return parser.currentToken() == JsonToken.VALUE_STRING;
  }

  boolean isNull() {
    return parser.currentToken() == JsonToken.VALUE_NULL;
  }

  long integer() {
    expect(JsonToken.VALUE_NUMBER_INT, "a whole number");
    return parser.getLongValue();
  }

  int smallInteger() {
    expect(JsonToken.VALUE_NUMBER_INT, "a whole number");
    return parser.getIntValue();
  }

  @Nullable Long integerOrNull() {
    return isNull() ? null : (Long) integer();
  }

  /** A finite number. */
  double number() {
    JsonToken token = parser.currentToken();
    if (token != JsonToken.VALUE_NUMBER_FLOAT && token != JsonToken.VALUE_NUMBER_INT) {
      throw unexpected("a number");
    }
    double value = parser.getDoubleValue();
    if (!Double.isFinite(value)) {
      throw unexpected("a finite number");
    }
    return value;
  }

  /** A finite number above 0: what is divided by another must not reach a gradient. */
  double divisor() {
    double value = number();
    if (value <= 0) {
      throw unexpected("a number above 0");
    }
    return value;
  }

  /** NaN for null. */
  double numberOrNull() {
    return isNull() ? Double.NaN : number();
  }

  boolean truth() {
    JsonToken token = parser.currentToken();
    if (token != JsonToken.VALUE_TRUE && token != JsonToken.VALUE_FALSE) {
      throw unexpected("true or false");
    }
    return token == JsonToken.VALUE_TRUE;
  }

  String text() {
    expect(JsonToken.VALUE_STRING, "a text");
    return parser.getString();
  }

  @Nullable String textOrNull() {
    return isNull() ? null : text();
  }

  Instant instant() {
    String text = text();
    try {
      return Instant.parse(text);
    } catch (DateTimeParseException e) {
      throw unexpected("a time");
    }
  }

  @Nullable Instant instantOrNull() {
    return isNull() ? null : instant();
  }

  /** Passes over the value. */
  void skip() {
    parser.skipChildren();
  }

  /** A field that the contract requires. */
  static <T> T required(@Nullable T value, String field) {
    if (value == null) {
      throw new UnexpectedAnswerException("the answer lacks the field " + field, null);
    }
    return value;
  }

  private void expect(JsonToken token, String what) {
    if (parser.currentToken() != token) {
      throw unexpected(what);
    }
  }

  UnexpectedAnswerException unexpected(String what) {
    return new UnexpectedAnswerException(
        "expected " + what + " in the answer at " + parser.streamReadContext().pathAsPointer(),
        null);
  }
}
