package resure.api;

import static java.nio.charset.StandardCharsets.US_ASCII;

/** Writes JSON: a comma behind each value, which whatever ends there takes back. */
final class JsonWriter extends BodyWriter {

  private static final byte[] NULL = "null,".getBytes(US_ASCII);
  private static final byte[] TRUE = "true,".getBytes(US_ASCII);
  private static final byte[] FALSE = "false,".getBytes(US_ASCII);

  @Override
  void startObject(int fields) {
    target[length++] = '{';
  }

  @Override
  void endObject() {
    close('}');
  }

  @Override
  void startArray(int elements) {
    target[length++] = '[';
  }

  @Override
  void endArray() {
    close(']');
  }

  private void close(char bracket) {
    if (target[length - 1] == ',') {
      length--;
    }
    target[length++] = (byte) bracket;
    target[length++] = ',';
  }

  @Override
  void name(AnswerField field) {
    put(field.json);
  }

  @Override
  void number(double value) {
    int end = DecimalWriter.write(value, target, length);
    target[end] = ',';
    length = end + 1;
  }

  @Override
  void whole(long value) {
    int end = DecimalWriter.whole(value, target, length);
    target[end] = ',';
    length = end + 1;
  }

  @Override
  void flag(boolean value) {
    put(value ? TRUE : FALSE);
  }

  @Override
  void nothing() {
    put(NULL);
  }

  @Override
  void value(byte[] written) {
    put(written);
    target[length++] = ',';
  }

  @Override
  void end() {
    length--;
  }
}
