package resure.client;

import java.net.URI;
import java.net.http.HttpHeaders;
import java.util.Locale;

/** What came back for one HTTP request, whole. */
@SuppressWarnings("ArrayRecordComponent") // read once, compared never
record Reply(URI from, int status, HttpHeaders headers, byte[] body) {

  static final String CBOR = "application/cbor";
  static final String PROBLEM = "application/problem+json";

  /** Media type without parameters, in lower case; empty for none. */
  String mediaType() {
    String type = headers.firstValue("Content-Type").orElse("");
    int end = type.indexOf(';');
    return (end < 0 ? type : type.substring(0, end)).trim().toLowerCase(Locale.ROOT);
  }
}
