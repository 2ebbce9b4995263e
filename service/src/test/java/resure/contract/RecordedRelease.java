package resure.contract;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.time.LocalDateTime;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.zip.ZipEntry;
import java.util.zip.ZipInputStream;
import java.util.zip.ZipOutputStream;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * What is kept of a release for ever, in {@code resure/releases/<version>} of the test resources,
 * and written by {@link ReleaseRecording}:
 *
 * <pre>
 *   openapi.yaml     its contract
 *   exchanges.json   what clients sent it, in order, and what it answered
 *   state.zip        the state directory that it left
 *   export.resure    its export of that
 *   questions.json   reads of that state, and what it answered
 * </pre>
 */
public final class RecordedRelease {

  /** Every release that there was, and the one to come: what each wrote is read for ever. */
  public static final List<String> VERSIONS = List.of("0.1.0");

  private static final String RESOURCES = "/resure/releases/";
  private static final String STATE = "state.zip";

  /** RocksDB's own notes, which it does not read and which name the machine; and its locks. */
  private static final String LEFT_OUT = "LOG|LOG\\.old\\..*|LOCK|lock";

  private static final JsonMapper JSON = JsonMapper.builder().build();

  private final String version;

  /** One of {@link #VERSIONS}. */
  public RecordedRelease(String version) {
    this.version = version;
  }

  /**
   * What was sent and what came back.
   *
   * @param headers of the request
   * @param body of the request; empty for none
   * @param type the answer's media type; empty for none
   */
  @SuppressWarnings("ArrayRecordComponent")
  record Exchange(
      String method,
      String path,
      Map<String, String> headers,
      byte[] body,
      int status,
      String type,
      byte[] answer) {

    /** The answer's body as a tree. */
    JsonNode tree() {
      return ContractValidator.parse(type, answer);
    }
  }

  /** One of its files. */
  public InputStream open(String file) {
    return Objects.requireNonNull(
        RecordedRelease.class.getResourceAsStream(RESOURCES + version + "/" + file), file);
  }

  /** Lays its state directory where there is none. */
  public Path unpack(Path state) throws IOException {
    try (ZipInputStream zip = new ZipInputStream(open(STATE))) {
      for (ZipEntry entry = zip.getNextEntry(); entry != null; entry = zip.getNextEntry()) {
        Path file = state.resolve(entry.getName());
        Files.createDirectories(file.getParent());
        Files.copy(zip, file);
      }
    }
    return state;
  }

  /** Lays its export somewhere. */
  public Path export(Path file) throws IOException {
    try (InputStream in = open("export.resure")) {
      Files.copy(in, file);
    }
    return file;
  }

  List<Exchange> exchanges(String file) {
    try (InputStream in = open(file)) {
      List<Exchange> exchanges = new ArrayList<>();
      for (JsonNode each : JSON.readTree(in)) {
        Map<String, String> headers = new TreeMap<>();
        each.get("headers")
            .properties()
            .forEach(h -> headers.put(h.getKey(), h.getValue().asString()));
        exchanges.add(
            new Exchange(
                each.get("method").asString(),
                each.get("path").asString(),
                headers,
                bytes(each, "body"),
                each.get("status").asInt(),
                each.get("type").asString(),
                bytes(each, "answer")));
      }
      return exchanges;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static byte[] bytes(JsonNode exchange, String name) {
    return exchange.has(name)
        ? exchange.get(name).asString().getBytes(UTF_8)
        : Base64.getDecoder().decode(exchange.get(name + "Base64").asString());
  }

  /** Where its files are written. */
  Path sources() throws IOException {
    return Files.createDirectories(Path.of("src/test/resources" + RESOURCES + version));
  }

  void write(String file, List<Exchange> exchanges) throws IOException {
    StringBuilder lines = new StringBuilder("[");
    for (Exchange each : exchanges) {
      ObjectNode line = JSON.createObjectNode();
      line.put("method", each.method).put("path", each.path);
      line.set("headers", JSON.valueToTree(new TreeMap<>(each.headers)));
      put(line, "body", each.body);
      line.put("status", each.status).put("type", each.type);
      put(line, "answer", each.answer);
      lines.append(lines.length() == 1 ? "\n" : ",\n").append(line);
    }
    Files.writeString(sources().resolve(file), lines.append("\n]\n"));
  }

  private static void put(ObjectNode line, String name, byte[] bytes) {
    String text = new String(bytes, UTF_8);
    if (java.util.Arrays.equals(text.getBytes(UTF_8), bytes)) {
      line.put(name, text);
    } else {
      line.put(name + "Base64", Base64.getEncoder().encodeToString(bytes));
    }
  }

  /** Keeps the state directory that a service has left. */
  void pack(Path state) throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (ZipOutputStream zip = new ZipOutputStream(bytes)) {
      List<Path> files = new ArrayList<>();
      Files.walkFileTree(
          state,
          new SimpleFileVisitor<>() {
            @Override
            public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) {
              if (!file.getFileName().toString().matches(LEFT_OUT)) {
                files.add(file);
              }
              return FileVisitResult.CONTINUE;
            }
          });
      files.sort(null);
      for (Path file : files) {
        ZipEntry entry = new ZipEntry(state.relativize(file).toString());
        entry.setTimeLocal(LocalDateTime.of(2026, 1, 1, 0, 0));
        zip.putNextEntry(entry);
        Files.copy(file, zip);
      }
    }
    Files.write(sources().resolve(STATE), bytes.toByteArray());
  }

  /**
   * Fails unless an answer still says all that another did: the same members of the same types, and
   * the same numbers to the last bits. What it says beside is its own matter; texts, among which
   * are times and ids, may be others.
   */
  static void requireSaid(JsonNode now, JsonNode then, String place) {
    if (then.isNumber() && now.isNumber()) {
      double difference = Math.abs(then.asDouble() - now.asDouble());
      require(difference <= 1e-9 * Math.max(1, Math.abs(then.asDouble())), place, now, then);
    } else if (then.isObject() && now.isObject()) {
      then.properties()
          .forEach(
              entry -> {
                require(now.has(entry.getKey()), place + "/" + entry.getKey(), now, then);
                requireSaid(
                    now.get(entry.getKey()), entry.getValue(), place + "/" + entry.getKey());
              });
    } else if (then instanceof ArrayNode && now instanceof ArrayNode) {
      require(now.size() == then.size(), place, now, then);
      for (int i = 0; i < then.size(); i++) {
        requireSaid(now.get(i), then.get(i), place + "/" + i);
      }
    } else {
      require(now.getNodeType() == then.getNodeType(), place, now, then);
    }
  }

  private static void require(boolean condition, String place, JsonNode now, JsonNode then) {
    if (!condition) {
      throw new AssertionError("at %s was %s and is %s".formatted(place, then, now));
    }
  }
}
