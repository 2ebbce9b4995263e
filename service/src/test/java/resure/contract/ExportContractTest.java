package resure.contract;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.io.IOException;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.SplittableRandom;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/** Selected, compressed and tabular exports, as those who analyse them read them. */
class ExportContractTest {

  /** Texts that something would take for something else. */
  static final List<String> HOSTILE =
      List.of(
          "<script>alert(1)</script>",
          "a \"quoted\" one, with a comma",
          "\"",
          "=HYPERLINK(\"http://example.org\")",
          "+1+cmd|' /C calc'!A0",
          "-2",
          "@SUM(A1)",
          "\u202Eright to left\u202C",
          "two\r\nlines",
          "\ttab",
          "\r",
          "\n",
          "'",
          "''",
          "＝1+1",
          "NULL",
          "null",
          "NaN",
          " ",
          "\uFEFF",
          "\\",
          "\\N",
          "%00",
          "../../x",
          "𝕏".repeat(256));

  private static LiveService live;
  private static String run;

  @TempDir private Path directory;

  @BeforeAll
  static void start() {
    live = LiveService.start();
    run = live.newRun("{\"warmUp\":2}");
    SplittableRandom random = new SplittableRandom(1);
    for (int step = 0; step < 40; step++) {
      List<String> dialogues = new ArrayList<>();
      for (int d = 0; d < 8; d++) {
        String id = HOSTILE.get((8 * step + d) % HOSTILE.size());
        String source = d == 7 ? "" : ",\"source\":" + json(HOSTILE.get((step + d) % 5));
        String losses =
            String.format(
                Locale.ROOT, "%s,%s,null", random.nextDouble(3), random.nextDouble(1e-9, 1e-8));
        dialogues.add(
            "{\"id\":%s%s,\"losses\":[%s,%s]}"
                .formatted(json(id), source, losses, d == 3 ? "NaN" : random.nextDouble(90)));
      }
      live.score(
          run, "{\"step\":" + step + ",\"dialogues\":[" + String.join(",", dialogues) + "]}");
    }
  }

  @AfterAll
  static void stop() {
    live.close();
  }

  static String json(String text) {
    return tools.jackson.databind.json.JsonMapper.shared().writeValueAsString(text);
  }

  private static String query(String name, String value) {
    return name + "=" + URLEncoder.encode(value, StandardCharsets.UTF_8);
  }

  private interface Rows<T> {
    T read(ResultSet rows) throws SQLException;
  }

  private static <T> T query(String sql, Rows<T> read) throws SQLException {
    try (Connection duckdb = DriverManager.getConnection("jdbc:duckdb:");
        Statement statement = duckdb.createStatement();
        ResultSet rows = statement.executeQuery(sql)) {
      return read.read(rows);
    }
  }

  private Path file(String name, String accept, String... more) throws IOException {
    List<String> headers = new ArrayList<>(List.of("Accept", accept));
    headers.addAll(List.of(more));
    Answer answer = live.get(run + "/observations", headers.toArray(new String[0]));
    assertThat(answer.status()).isEqualTo(200);
    return Files.write(directory.resolve(name), answer.body());
  }

  @Test
  void duckDbReadsTheCsvToTheSumsOfTheJson() throws Exception {
    List<JsonNode> lines = live.get(run + "/observations").lines();
    double loss = 0;
    double weight = 0;
    long turns = 0;
    long unusable = 0;
    for (JsonNode line : lines) {
      loss += line.get("loss").asDouble(0);
      weight += line.get("weight").asDouble();
      turns += line.get("turn").asLong();
      unusable += line.has("unusable") ? 1 : 0;
    }
    List<Double> expected =
        List.of((double) lines.size(), (double) turns, (double) unusable, loss, weight);

    assertThat(sums("read_csv('%s')".formatted(file("a.csv", "text/csv")), "unusable"))
        .usingElementComparator((a, b) -> Math.abs(a - b) < 1e-9 * (1 + b) ? 0 : 1)
        .isEqualTo(expected);
    assertThat(
            sums(
                "read_json('%s')".formatted(file("a.ndjson", "application/x-ndjson")),
                "coalesce(unusable, false)"))
        .usingElementComparator((a, b) -> Math.abs(a - b) < 1e-9 * (1 + b) ? 0 : 1)
        .isEqualTo(expected);
    assertThat(expected.get(2)).isEqualTo(40);
  }

  private static List<Double> sums(String table, String unusable) throws SQLException {
    return query(
        "SELECT count(*), sum(turn), count(*) FILTER (%s), sum(loss), sum(weight) FROM %s"
            .formatted(unusable, table),
        rows -> {
          rows.next();
          List<Double> sums = new ArrayList<>();
          for (int column = 1; column <= 5; column++) {
            sums.add(rows.getDouble(column));
          }
          return sums;
        });
  }

  @Test
  void everyHostileIdComesBackFromTheCsvAsItWasSent() throws Exception {
    List<String> expected =
        live.get(run + "/observations").lines().stream()
            .map(line -> line.get("dialogue").asString() + "|" + line.get("source").asString(null))
            .toList();
    List<String> read =
        query(
            ("SELECT regexp_replace(dialogue, '^''', ''), regexp_replace(source, '^''', '') FROM"
                    + " read_csv('%s', header = true, nullstr = '', force_not_null = ['dialogue'])")
                .formatted(file("a.csv", "text/csv")),
            rows -> {
              List<String> all = new ArrayList<>();
              while (rows.next()) {
                all.add(rows.getString(1) + "|" + rows.getString(2));
              }
              return all;
            });
    assertThat(read).isEqualTo(expected);
    assertThat(String.join("", read)).contains(HOSTILE);
  }

  @Test
  void noTextOfTheCsvBeginsLikeAFormula() {
    String csv = live.get(run + "/observations", "Accept", "text/csv").text();
    assertThat(csv).doesNotContainPattern("\"[=+\\-@\\t\\r\\n＝＋－＠]").contains("\"'=HYPERLINK(\"\"");
    assertThat(csv).startsWith("sequence,step,rank,microBatch,dialogue,source,turn,loss,weight,");
  }

  @Test
  void duckDbReadsWhatIsCompressed() throws Exception {
    Answer plain = live.get(run + "/observations");
    Answer compressed = live.get(run + "/observations", "Accept-Encoding", "gzip");
    assertThat(compressed.header("Content-Encoding")).isEqualTo("gzip");
    assertThat(compressed.text()).isEqualTo(plain.text());
    assertThat(plain.header("Content-Encoding")).isEmpty();
    assertThat(plain.headers().allValues("Vary")).contains("Accept-Encoding");
    for (String none : List.of("identity", "br", "gzip;q=0", "*;q=0", "")) {
      assertThat(
              live.get(run + "/observations", "Accept-Encoding", none).header("Content-Encoding"))
          .as(none)
          .isEmpty();
    }
    for (String some : List.of("br, gzip", "gzip;q=0.5", "*", "x-gzip", "GZIP")) {
      assertThat(
              live.get(run + "/observations", "Accept-Encoding", some, "Accept", "text/csv")
                  .header("Content-Encoding"))
          .as(some)
          .isEqualTo("gzip");
    }
  }

  @Test
  void filtersSelect() {
    List<JsonNode> all = live.get(run + "/observations").lines();
    for (String source : HOSTILE.subList(0, 5)) {
      assertThat(live.get(run + "/observations?" + query("source", source)).lines())
          .isEqualTo(
              all.stream()
                  .filter(line -> source.equals(line.get("source").asString(null)))
                  .toList())
          .isNotEmpty();
    }
    for (String id : HOSTILE) {
      assertThat(live.get(run + "/observations?" + query("dialogue", id)).lines())
          .isEqualTo(
              all.stream().filter(line -> id.equals(line.get("dialogue").asString())).toList())
          .isNotEmpty();
    }
    assertThat(
            live.get(
                    run
                        + "/observations?turn=3&turn=0&fromStep=5&toStep=9&"
                        + query("source", HOSTILE.get(1))
                        + "&"
                        + query("source", HOSTILE.get(2)))
                .lines())
        .isEqualTo(
            all.stream()
                .filter(line -> line.get("turn").asInt() % 3 == 0)
                .filter(line -> line.get("step").asInt() >= 5 && line.get("step").asInt() <= 9)
                .filter(line -> HOSTILE.subList(1, 3).contains(line.get("source").asString("")))
                .toList())
        .isNotEmpty();
    assertThat(live.get(run + "/observations?dialogue=nobody").lines()).isEmpty();
    assertThat(live.get(run + "/observations?turn=2").lines()).isEmpty();
    for (String bad : List.of("turn=-1", "turn=a", "source=", "dialogue=%00", "turn=")) {
      assertThat(live.get(run + "/observations?" + bad).outcome())
          .isEqualTo("422 invalid-parameter " + bad.replaceFirst("=.*", ""));
    }
  }

  @Test
  void weightsAreTheSameNumbersInEveryForm() throws Exception {
    List<JsonNode> lines = live.get(run + "/observations").lines();
    List<Double> weights =
        query(
            "SELECT weight FROM read_csv('%s')".formatted(file("a.csv", "text/csv")),
            rows -> {
              List<Double> all = new ArrayList<>();
              while (rows.next()) {
                all.add(rows.getDouble(1));
              }
              return all;
            });
    for (int i = 0; i < lines.size(); i++) {
      assertThat(weights.get(i)).isCloseTo(lines.get(i).get("weight").asDouble(), within(0.0));
    }
  }
}
