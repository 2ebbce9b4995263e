package resure.contract;

import java.net.http.HttpHeaders;
import java.nio.charset.StandardCharsets;
import java.util.List;
import tools.jackson.databind.JsonNode;

/** What the service answered. */
final class Answer {

  private static final String PROBLEM = "urn:resure:problem:";

  private final int status;
  private final HttpHeaders headers;
  private final byte[] body;

  Answer(int status, HttpHeaders headers, byte[] body) {
    this.status = status;
    this.headers = headers;
    this.body = body;
  }

  int status() {
    return status;
  }

  HttpHeaders headers() {
    return headers;
  }

  byte[] body() {
    return body;
  }

  String text() {
    return new String(body, StandardCharsets.UTF_8);
  }

  JsonNode json() {
    return ContractValidator.parse(body);
  }

  /** The lines of an export. */
  List<JsonNode> lines() {
    return text()
        .lines()
        .map(line -> ContractValidator.parse(line.getBytes(StandardCharsets.UTF_8)))
        .toList();
  }

  String header(String name) {
    return headers.firstValue(name).orElse("");
  }

  /**
   * Status, type and place of a problem in one line, {@code 422 invalid-field /step}, or the status
   * alone.
   */
  String outcome() {
    if (status < 400) {
      return String.valueOf(status);
    }
    JsonNode problem = json();
    String outcome = status + " " + problem.path("type").asString().substring(PROBLEM.length());
    for (String member : List.of("pointer", "parameter")) {
      if (problem.has(member)) {
        outcome += " " + problem.get(member).asString();
      }
    }
    return outcome;
  }

  @Override
  public String toString() {
    return status + " " + text();
  }
}
