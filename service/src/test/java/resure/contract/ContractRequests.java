package resure.contract;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.net.URLEncoder;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Random;
import java.util.Set;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;

/**
 * Requests of every operation, made of what the contract says of each: its parameters with the
 * values that their schemas and examples have, and with others; its bodies with those of the
 * examples, and with others; both representations. With a seed, always the same.
 */
final class ContractRequests {

  private static final int OF_EACH = 16;
  private static final Set<String> METHODS = Set.of("get", "put", "post", "delete");
  private static final List<String> OTHER_BODIES =
      List.of("{}", "{", "[]", "{\"step\":\"x\"}", "{\"unknown\":1}");

  /** One request, but for the names in its path. */
  record Sent(String operation, String query, List<String> headers, String body) {

    Sent {
      headers = List.copyOf(headers);
    }

    Answer send(LiveService live, String run, String replay) {
      String method = operation.substring(0, operation.indexOf(' '));
      String path =
          operation
                  .substring(operation.indexOf(' ') + 1)
                  .replace("{run}", run)
                  .replace("{replay}", replay)
              + query;
      List<String> all = new ArrayList<>(headers);
      byte[] bytes = body.getBytes(UTF_8);
      if (all.remove(LiveService.CBOR)) {
        all.addAll(List.of("Accept", LiveService.CBOR));
        try {
          bytes = body.isEmpty() ? bytes : ContractValidator.cbor(body);
          all.addAll(List.of("Content-Type", LiveService.CBOR));
        } catch (JacksonException e) {
          all.addAll(List.of("Content-Type", "application/json"));
        }
      } else if (!body.isEmpty()) {
        all.addAll(List.of("Content-Type", "application/json"));
      }
      return live.send(live.request(method, path, all.toArray(new String[0])), bytes, method);
    }
  }

  private final JsonNode contract;
  private final Random random;

  ContractRequests(JsonNode contract, long seed) {
    this.contract = contract;
    random = new Random(seed);
  }

  /** Requests of all operations whose path has a run, or of all others. */
  List<Sent> of(LiveService live, boolean named) {
    Set<Sent> all = new LinkedHashSet<>();
    for (String operation : live.contract().secured()) {
      if (operation.contains("{run}") == named) {
        JsonNode path = contract.get("paths").get(operation.substring(operation.indexOf(' ') + 1));
        String method = operation.substring(0, operation.indexOf(' ')).toLowerCase(Locale.ROOT);
        if (!METHODS.contains(method)) {
          throw new AssertionError(operation);
        }
        List<JsonNode> parameters = new ArrayList<>();
        path.path("parameters").forEach(parameter -> parameters.add(resolved(parameter)));
        JsonNode described = path.get(method);
        described.path("parameters").forEach(parameter -> parameters.add(resolved(parameter)));
        List<String> bodies = bodies(resolved(described.path("requestBody")));
        for (int i = 0; i < OF_EACH; i++) {
          // First every body without any parameter.
          all.add(request(operation, i < bodies.size() ? List.of() : parameters, bodies, i));
        }
      }
    }
    return List.copyOf(all);
  }

  private Sent request(
      String operation, List<JsonNode> parameters, List<String> bodies, int number) {
    StringBuilder query = new StringBuilder();
    List<String> headers = new ArrayList<>();
    for (JsonNode parameter : parameters) {
      String in = parameter.path("in").asString();
      if (in.equals("path") || random.nextInt(2) == 0) {
        continue;
      }
      List<String> values = values(parameter);
      String name = parameter.path("name").asString();
      String value = values.get(random.nextInt(values.size()));
      if (in.equals("query")) {
        query.append(query.isEmpty() ? '?' : '&').append(name).append('=');
        query.append(URLEncoder.encode(value, UTF_8));
      } else if (!headers.contains(name)) {
        headers.addAll(List.of(name, value));
      }
    }
    if (number % 2 == 1 && !headers.contains("Accept")) {
      headers.add(LiveService.CBOR);
    }
    String body =
        bodies.isEmpty()
            ? ""
            : bodies.get(number < bodies.size() ? number : random.nextInt(bodies.size()));
    return new Sent(operation, query.toString(), headers, body);
  }

  private List<String> bodies(JsonNode requestBody) {
    List<String> bodies = new ArrayList<>();
    if (requestBody.isObject()) {
      requestBody
          .path("content")
          .path("application/json")
          .path("examples")
          .forEach(example -> bodies.add(resolved(example).path("value").toString()));
      bodies.addAll(OTHER_BODIES);
    }
    return bodies;
  }

  private List<String> values(JsonNode parameter) {
    List<String> values = new ArrayList<>();
    JsonNode schema = resolved(parameter.path("schema"));
    if (schema.path("type").asString().equals("array")) {
      schema = resolved(schema.path("items"));
    }
    for (String from : List.of("default", "minimum", "maximum")) {
      if (schema.has(from)) {
        values.add(text(schema.get(from)));
      }
    }
    schema.path("enum").forEach(value -> values.add(text(value)));
    JsonNode example = parameter.path("example");
    (example.isArray() ? example : List.of(example)).forEach(value -> values.add(text(value)));
    parameter.path("examples").forEach(each -> values.add(text(resolved(each).path("value"))));
    values.removeIf(String::isEmpty);
    values.addAll(List.of("x", "1"));
    return values;
  }

  private static String text(JsonNode value) {
    return value.isString() ? value.asString() : value.isMissingNode() ? "" : value.toString();
  }

  private JsonNode resolved(JsonNode node) {
    return node.has("$ref") ? contract.at(node.get("$ref").asString().substring(1)) : node;
  }
}
