package resure.contract;

import com.networknt.schema.Schema;
import com.networknt.schema.SchemaLocation;
import com.networknt.schema.SchemaRegistry;
import com.networknt.schema.SpecificationVersion;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.URLDecoder;
import java.net.http.HttpRequest;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentSkipListSet;
import java.util.regex.Pattern;
import org.yaml.snakeyaml.LoaderOptions;
import org.yaml.snakeyaml.Yaml;
import org.yaml.snakeyaml.constructor.SafeConstructor;
import tools.jackson.core.StreamReadFeature;
import tools.jackson.core.json.JsonReadFeature;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;
import tools.jackson.dataformat.cbor.CBORMapper;

/**
 * Holds exchanges to {@code openapi/resure.yaml}: method, path, query, status, headers, media
 * types, and both bodies against their schemas. What the service accepted must be valid by the
 * contract; what it answers must be documented, for refusals too. Safe for concurrent use.
 */
public final class ContractValidator {

  private static final String DOCUMENT = "https://resure.test/openapi";

  /** What is no number of JSON, where it is not text. */
  private static final Pattern TOKEN = Pattern.compile("[:,\\[] *-?(NaN|Infinity)");

  /** Lines of an export that are held to the schema; the rest are alike. */
  private static final int MOST_LINES = 1000;

  private static final Set<String> METHODS = Set.of("get", "put", "post", "delete");

  private static final JsonMapper JSON =
      JsonMapper.builder()
          .enable(JsonReadFeature.ALLOW_NON_NUMERIC_NUMBERS)
          .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          .build();

  private static final CBORMapper CBOR =
      CBORMapper.builder()
          .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          .build();

  private final JsonNode contract;
  private final SchemaRegistry schemas;
  private final Map<String, Schema> compiled = new ConcurrentHashMap<>();
  private final Map<String, Pattern> paths = new TreeMap<>();

  /** Title and status of each problem type, as the contract's examples have them. */
  private final Map<String, String> problems = new TreeMap<>();

  private final Set<String> seen = new ConcurrentSkipListSet<>();

  /** Media types of bodies and answers: {@code createRun takes application/cbor}. */
  private final Set<String> seenTypes = new ConcurrentSkipListSet<>();

  /** Reads the contract. */
  public ContractValidator() {
    this(load(ContractValidator.class.getResourceAsStream("/resure/openapi/resure.yaml")));
  }

  /**
   * Of an earlier release's contract, as its clients read it: what they do not know in an answer
   * they pass over, so that a later release may say more.
   */
  static ContractValidator ofClients(InputStream document) {
    JsonNode contract = load(document);
    for (JsonNode schema : contract.findParents("additionalProperties")) {
      if (schema.get("additionalProperties").isBoolean()) {
        ((ObjectNode) schema).remove("additionalProperties");
      }
    }
    return new ContractValidator(contract);
  }

  private ContractValidator(JsonNode contract) {
    this.contract = contract;
    schemas =
        SchemaRegistry.withDefaultDialect(
            SpecificationVersion.DRAFT_2020_12,
            builder -> builder.schemas(Map.of(DOCUMENT, contract.toString())));
    for (String template : contract.get("paths").propertyNames()) {
      paths.put(
          template, Pattern.compile(template.replace(".", "\\.").replaceAll("\\{\\w+}", "[^/]+")));
    }
    for (Example example : examples()) {
      if (example.value().path("type").asString("").startsWith("urn:resure:problem:")) {
        JsonNode value = example.value();
        String titled = value.get("status") + " " + value.get("title");
        String other = problems.put(value.get("type").asString(), titled);
        require(other == null || other.equals(titled), "two titles: " + other + ", " + titled);
      }
    }
  }

  private static JsonNode load(InputStream document) {
    try (InputStream in = document) {
      return JSON.valueToTree(new Yaml(new SafeConstructor(new LoaderOptions())).<Object>load(in));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Reads JSON with the contract's extension: NaN, Infinity and -Infinity are numbers. */
  public static JsonNode parse(byte[] body) {
    return JSON.readTree(body);
  }

  /** Reads a body by its media type; parameters do not matter. */
  static JsonNode parse(String mediaType, byte[] body) {
    return withoutParameters(mediaType).equals(LiveService.CBOR)
        ? CBOR.readTree(body)
        : parse(body);
  }

  private static String withoutParameters(String mediaType) {
    return mediaType.replaceFirst(";.*", "").toLowerCase(Locale.ROOT);
  }

  /** What JSON says, in CBOR. */
  static byte[] cbor(String json) {
    return CBOR.writeValueAsBytes(parse(json.getBytes(StandardCharsets.UTF_8)));
  }

  /** Fails unless two trees say the same. */
  static void assertSame(JsonNode actual, JsonNode expected) {
    require(same(actual, expected), "expected " + expected + "\nbut was  " + actual);
  }

  /** Whether two trees say the same, 1 and 1.0 being one number. */
  static boolean same(JsonNode a, JsonNode b) {
    if (a.isNumber() && b.isNumber()) {
      return a.asDouble() == b.asDouble();
    }
    if (a.isObject() && b.isObject()) {
      return a.size() == b.size()
          && a.properties().stream()
              .allMatch(
                  entry -> b.has(entry.getKey()) && same(entry.getValue(), b.get(entry.getKey())));
    }
    if (a.isArray() && b.isArray() && a.size() == b.size()) {
      for (int i = 0; i < a.size(); i++) {
        if (!same(a.get(i), b.get(i))) {
          return false;
        }
      }
      return true;
    }
    return a.equals(b);
  }

  /** The contract, as a tree. */
  JsonNode contract() {
    return contract;
  }

  /** Every operation that credentials may be needed for: {@code PUT /v1/runs/{run}}. */
  List<String> secured() {
    List<String> all = new ArrayList<>();
    contract
        .get("paths")
        .properties()
        .forEach(
            path ->
                path.getValue().properties().stream()
                    .filter(entry -> METHODS.contains(entry.getKey()))
                    .filter(entry -> !entry.getValue().has("security"))
                    .forEach(
                        entry ->
                            all.add(
                                entry.getKey().toUpperCase(Locale.ROOT) + " " + path.getKey())));
    return all;
  }

  /** Every operation with every documented status: {@code createRun 201}. */
  Set<String> documented() {
    Set<String> all = new TreeSet<>();
    for (JsonNode path : contract.get("paths")) {
      path.properties().stream()
          .filter(entry -> METHODS.contains(entry.getKey()))
          .forEach(
              entry -> {
                for (String status : entry.getValue().get("responses").propertyNames()) {
                  all.add(entry.getValue().get("operationId").asString() + " " + status);
                }
              });
    }
    return all;
  }

  /** The same of what has passed {@link #check} so far. */
  Set<String> seen() {
    return new TreeSet<>(seen);
  }

  /** Name of the operation that a request is. */
  String operation(String method, URI uri) {
    String template =
        paths.entrySet().stream()
            .filter(entry -> entry.getValue().matcher(uri.getRawPath()).matches())
            .map(Map.Entry::getKey)
            .findFirst()
            .orElseThrow();
    return contract
        .get("paths")
        .get(template)
        .get(method.toLowerCase(Locale.ROOT))
        .get("operationId")
        .asString();
  }

  /** Every operation with every media type that it takes or, when all is well, answers. */
  Set<String> documentedTypes() {
    Set<String> all = new TreeSet<>();
    for (JsonNode path : contract.get("paths")) {
      for (JsonNode operation : path) {
        if (operation.has("operationId")) {
          String id = operation.get("operationId").asString();
          operation
              .at("/requestBody/content")
              .propertyNames()
              .forEach(type -> all.add(id + " takes " + type));
          operation.get("responses").properties().stream()
              .filter(response -> response.getKey().startsWith("2"))
              .flatMap(response -> response.getValue().path("content").propertyNames().stream())
              .forEach(type -> all.add(id + " answers " + type));
        }
      }
    }
    return all;
  }

  /** The same of what has passed {@link #check} so far. */
  Set<String> seenTypes() {
    return new TreeSet<>(seenTypes);
  }

  /** An example of the contract, with the place of its schema. */
  record Example(String place, String schema, JsonNode value) {}

  /** Every example of a request or answer body. */
  List<Example> examples() {
    List<Example> examples = new ArrayList<>();
    collect(contract, "", examples);
    return examples;
  }

  private static void collect(JsonNode node, String pointer, List<Example> into) {
    if (node.has("examples") && node.has("schema")) {
      node.get("examples")
          .properties()
          .forEach(
              entry ->
                  into.add(
                      new Example(
                          pointer + "/examples/" + entry.getKey(),
                          pointer + "/schema",
                          entry.getValue().get("value"))));
      return;
    }
    if (node.isObject()) {
      node.properties()
          .forEach(
              entry ->
                  collect(
                      entry.getValue(),
                      pointer + "/" + entry.getKey().replace("~", "~0").replace("/", "~1"),
                      into));
    }
  }

  /** Errors of a value against the schema at a pointer into the contract; none when it is valid. */
  List<String> errors(String schema, JsonNode value) {
    return compiled
        .computeIfAbsent(
            schema, place -> schemas.getSchema(SchemaLocation.of(DOCUMENT + "#" + place)))
        .validate(
            withoutTokens(value),
            context -> context.executionConfig(config -> config.formatAssertionsEnabled(true)))
        .stream()
        .map(error -> error.getInstanceLocation() + ": " + error.getMessage())
        .toList();
  }

  /**
   * The value with 0 for the losses that are NaN or infinite: numbers by the contract's extension
   * of JSON, which no schema knows.
   */
  private static JsonNode withoutTokens(JsonNode value) {
    JsonNode copy = value.deepCopy();
    for (JsonNode losses : copy.findValues("losses")) {
      if (losses instanceof ArrayNode array) {
        for (int i = 0; i < array.size(); i++) {
          if (array.get(i).isNumber() && !Double.isFinite(array.get(i).asDouble())) {
            array.set(i, JSON.getNodeFactory().numberNode(0));
          }
        }
      }
    }
    return copy;
  }

  /**
   * Fails with an {@link AssertionError} that shows the exchange unless it is as the contract says.
   */
  public void check(HttpRequest request, byte[] body, Answer answer) {
    try {
      verify(request, body, answer);
    } catch (AssertionError e) {
      String shown = new String(body, StandardCharsets.UTF_8);
      throw new AssertionError(
          e.getMessage()
              + "\n  "
              + request.method()
              + " "
              + request.uri()
              + " "
              + request.headers().map()
              + "\n  "
              + shown.substring(0, Math.min(2000, shown.length()))
              + "\n  answered "
              + answer.headers().map()
              + "\n  "
              + answer,
          e);
    }
  }

  private void verify(HttpRequest request, byte[] body, Answer answer) {
    if (answer.status() >= 400) {
      problem(answer);
    }
    Optional<String> template =
        paths.entrySet().stream()
            .filter(entry -> entry.getValue().matcher(request.uri().getRawPath()).matches())
            .map(Map.Entry::getKey)
            .findFirst();
    if (template.isEmpty()) {
      require(answer.outcome().equals("404 not-found"), "this path is not in the contract");
      return;
    }
    JsonNode path = contract.get("paths").get(template.get());
    String method = request.method().toLowerCase(Locale.ROOT);
    if (!path.has(method)) {
      require(
          answer.outcome().equals("405 method-not-allowed"), "this method is not in the contract");
      Set<String> allowed = new TreeSet<>(Arrays.asList(answer.header("Allow").split(" *, *")));
      for (String name : METHODS) {
        require(
            path.has(name) == allowed.contains(name.toUpperCase(Locale.ROOT)),
            "Allow does not fit the contract: " + allowed);
      }
      return;
    }
    String place = "/paths/" + template.get().replace("~", "~0").replace("/", "~1") + "/" + method;
    JsonNode operation = path.get(method);
    String status = String.valueOf(answer.status());
    require(operation.get("responses").has(status), "this status is not in the contract");
    if (answer.status() < 400) {
      accepted(place, operation, request, body);
    }
    answered(resolve(place + "/responses/" + status), answer);
    String id = operation.get("operationId").asString();
    seen.add(id + " " + status);
    if (answer.status() < 300) {
      note(id + " answers ", answer.header("Content-Type"));
      note(id + " takes ", request.headers().firstValue("Content-Type").orElse(""));
    }
  }

  private void note(String what, String mediaType) {
    if (!mediaType.isEmpty()) {
      seenTypes.add(what + withoutParameters(mediaType));
    }
  }

  private void problem(Answer answer) {
    require(
        answer.header("Content-Type").equals("application/problem+json"),
        "an error that is no application/problem+json");
    valid("/components/schemas/Problem", answer.body());
    JsonNode problem = answer.json();
    require(problem.get("status").asInt() == answer.status(), "another status in the problem");
    String known = problems.get(problem.get("type").asString());
    require(
        known == null || known.equals(problem.get("status") + " " + problem.get("title")),
        "another status or title of this type in the contract: " + known);
    require(
        !answer.text().contains("Exception") && !answer.text().contains("\\tat "),
        "internals in the problem");
  }

  private void accepted(String place, JsonNode operation, HttpRequest request, byte[] body) {
    if (!operation.has("requestBody")) {
      require(body.length == 0, "a body was accepted that the contract does not have");
    } else if (body.length > 0) {
      String type = withoutParameters(request.headers().firstValue("Content-Type").orElse(""));
      require(
          operation.at("/requestBody/content").has(type),
          "a media type was accepted that the contract does not have: " + type);
      valid(
          place + "/requestBody/content/" + type.replace("/", "~1") + "/schema", parse(type, body));
    } else {
      require(
          !operation.path("requestBody").path("required").asBoolean(false), "no body was accepted");
    }
    query(request.uri()).forEach((name, values) -> parameter(place, operation, name, values));
    request
        .headers()
        .firstValue("Idempotency-Key")
        .filter(key -> operation.get("operationId").asString().equals("scoreObservations"))
        .ifPresent(key -> parameter(place, operation, "Idempotency-Key", List.of(key)));
  }

  private void parameter(String place, JsonNode operation, String name, List<String> values) {
    JsonNode parameters = operation.path("parameters");
    for (int i = 0; i < parameters.size(); i++) {
      String at = resolve(place + "/parameters/" + i);
      JsonNode parameter = contract.at(at);
      if (parameter.get("name").asString().equals(name)) {
        boolean list = parameter.path("schema").path("type").asString("").equals("array");
        require(list || values.size() == 1, "a repeated parameter was accepted: " + name);
        String schema = at + "/schema" + (list ? "/items" : "");
        values.forEach(value -> text(schema, value));
        return;
      }
    }
    throw new AssertionError("an unknown parameter was accepted: " + name);
  }

  private static Map<String, List<String>> query(URI uri) {
    Map<String, List<String>> query = new TreeMap<>();
    if (uri.getRawQuery() != null) {
      for (String pair : uri.getRawQuery().split("&", -1)) {
        String[] parts = pair.split("=", 2);
        query
            .computeIfAbsent(decode(parts[0]), name -> new ArrayList<>())
            .add(parts.length == 1 ? "" : decode(parts[1]));
      }
    }
    return query;
  }

  private static String decode(String text) {
    return URLDecoder.decode(text, StandardCharsets.UTF_8);
  }

  private void answered(String place, Answer answer) {
    JsonNode response = contract.at(place);
    JsonNode headers = response.path("headers");
    for (String name : headers.propertyNames()) {
      String header = resolve(place + "/headers/" + name);
      Optional<String> value = answer.headers().firstValue(name);
      require(
          value.isPresent() || !contract.at(header).path("required").asBoolean(false),
          "no header " + name);
      value.ifPresent(text -> text(header + "/schema", text));
    }
    if (!response.has("content")) {
      require(answer.body().length == 0, "a body that the contract does not have");
      return;
    }
    String type = withoutParameters(answer.header("Content-Type"));
    require(
        response.get("content").has(type), "a media type that the contract does not have: " + type);
    String schema = place + "/content/" + type.replace("/", "~1") + "/schema";
    switch (type) {
      case "application/x-ndjson" -> {
        require(answer.body().length == 0 || answer.text().endsWith("\n"), "a line without an end");
        answer
            .text()
            .lines()
            .limit(MOST_LINES)
            .forEach(line -> valid(schema, line.getBytes(StandardCharsets.UTF_8)));
      }
      case LiveService.CBOR -> {
        JsonNode tree = parse(type, answer.body());
        require(!TOKEN.matcher(tree.toString()).find(), "NaN answered");
        valid(schema, tree);
      }
      case "text/csv" -> {
        require(answer.text().endsWith("\r\n"), "a line without an end");
        require(
            answer.text().lines().findFirst().orElse("").matches("[A-Za-z]+(,[A-Za-z]+)+"),
            "no names of columns");
      }
      case "text/event-stream" -> events(answer.text());
      case "application/yaml" -> require(answer.body().length > 0, "no document");
      default -> {
        require(!TOKEN.matcher(answer.text()).find(), "NaN answered");
        valid(schema, answer.body());
      }
    }
  }

  private void events(String text) {
    require(text.endsWith("\n\n"), "an event without an end");
    String name = "";
    for (String line : text.split("\n", -1)) {
      if (line.startsWith("event: ")) {
        name = line.substring("event: ".length());
      } else if (line.startsWith("data: ") && name.equals("step")) {
        valid(
            "/components/schemas/EventStep",
            line.substring("data: ".length()).getBytes(StandardCharsets.UTF_8));
      }
    }
  }

  /** Follows a reference at a place, if one is there. */
  private String resolve(String place) {
    JsonNode node = contract.at(place);
    return node.has("$ref") ? node.get("$ref").asString().substring(1) : place;
  }

  /** A text that stands for a value: a number where the schema asks for one. */
  private void text(String schema, String value) {
    String type = contract.at(resolve(schema)).path("type").asString("");
    boolean number = type.equals("integer") || type.equals("number");
    valid(schema, number ? value.getBytes(StandardCharsets.UTF_8) : JSON.writeValueAsBytes(value));
  }

  private void valid(String schema, byte[] body) {
    valid(schema, parse(body));
  }

  private void valid(String schema, JsonNode value) {
    List<String> errors = errors(schema, value);
    require(errors.isEmpty(), "not valid by " + schema + ": " + errors);
  }

  private static void require(boolean condition, String otherwise) {
    if (!condition) {
      throw new AssertionError(otherwise);
    }
  }
}
