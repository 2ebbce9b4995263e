package resure.client;

import java.io.InputStream;
import java.net.URI;
import java.net.http.HttpHeaders;
import java.util.Locale;
import java.util.function.Function;

/** What came back for one HTTP request: whole, but where it is read as it flows. */
record Reply(URI from, int status, HttpHeaders headers, InputStream body) {

  static final String CBOR = "application/cbor";
  static final String PROBLEM = "application/problem+json";

  /** The value in a body of CBOR. */
  <T> T cbor(Function<AnswerReader, T> value) {
    require(CBOR);
    return AnswerReader.readCbor(body, value);
  }

  /** Refuses an answer of another kind: something else than the service gave it. */
  void require(String mediaType) {
    if (!mediaType().equals(mediaType)) {
      throw new UnexpectedAnswerException(
          "an answer of "
              + (mediaType().isEmpty() ? "no kind" : Problems.printable(mediaType()))
              + " in place of "
              + mediaType
              + ": check the address and what is between here and there",
          null);
    }
  }

  /** Media type without parameters, in lower case; empty for none. */
  String mediaType() {
    String type = headers.firstValue("Content-Type").orElse("");
    int end = type.indexOf(';');
    return (end < 0 ? type : type.substring(0, end)).trim().toLowerCase(Locale.ROOT);
  }
}
