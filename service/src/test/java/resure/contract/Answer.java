package resure.contract;

import java.net.http.HttpHeaders;
import java.nio.charset.StandardCharsets;
import java.util.List;
import tools.jackson.databind.JsonNode;

/** What the service answered. */
public final class Answer {

  private static final String PROBLEM = "urn:resure:problem:";

  private final int status;
  private final HttpHeaders headers;
  private final byte[] body;

  /** Takes over the bytes. */
  public Answer(int status, HttpHeaders headers, byte[] body) {
    this.status = status;
    this.headers = headers;
    this.body = body;
  }

  public int status() {
    return status;
  }

  public HttpHeaders headers() {
    return headers;
  }

  public byte[] body() {
    return body;
  }

  public String text() {
    return new String(body, StandardCharsets.UTF_8);
  }

  /** The body as a tree, by its media type. */
  public JsonNode json() {
    return ContractValidator.parse(header("Content-Type"), body);
  }

  /** The lines of an export, or the elements of its array. */
  public List<JsonNode> lines() {
    if (header("Content-Type").equals(LiveService.CBOR)) {
      return List.copyOf(json().values());
    }
    return text()
        .lines()
        .map(line -> ContractValidator.parse(line.getBytes(StandardCharsets.UTF_8)))
        .toList();
  }

  public String header(String name) {
    return headers.firstValue(name).orElse("");
  }

  /**
   * Status, type and place of a problem in one line, {@code 422 invalid-field /step}, or the status
   * alone.
   */
  public String outcome() {
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
