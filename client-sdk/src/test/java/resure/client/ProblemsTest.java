package resure.client;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.net.http.HttpHeaders;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

class ProblemsTest {

  private static final String PROBLEM =
      """
      {"type": "urn:resure:problem:invalid-field", "title": "A field is not valid", "status": 422,
       "detail": "floor must be above 0", "pointer": "/weighting/floor", "new": [1, {"a": 2}]}
      """;

  private static ProblemException problem(int status, String body, String... headers) {
    Map<String, List<String>> all = new LinkedHashMap<>();
    all.put("Content-Type", List.of("application/problem+json;charset=utf-8"));
    for (int i = 0; i < headers.length; i += 2) {
      all.put(headers[i], List.of(headers[i + 1]));
    }
    return Problems.of(
        "PUT /v1/runs/r",
        new Reply(
            URI.create("http://host:1"),
            status,
            HttpHeaders.of(all, (name, value) -> true),
            new ByteArrayInputStream(body.getBytes(StandardCharsets.UTF_8))));
  }

  @Test
  void aProblemSaysWhatTheServiceSaid() {
    ProblemException problem = problem(422, PROBLEM);

    assertThat(problem.status()).isEqualTo(422);
    assertThat(problem.type()).isEqualTo(ProblemType.INVALID_FIELD);
    assertThat(problem.at()).isEqualTo("/weighting/floor");
    assertThat(problem.retryAfter()).isNull();
    assertThat(problem)
        .hasMessage(
            "PUT /v1/runs/r was answered 422 at http://host:1: A field is not valid,"
                + " at /weighting/floor: floor must be above 0");
  }

  @Test
  void everyTypeOfTheContractIsKnownAndNoOther() throws IOException {
    TreeSet<String> contract = new TreeSet<>();
    try (InputStream yaml = getClass().getResourceAsStream("/resure/openapi/resure.yaml")) {
      Matcher types =
          Pattern.compile("- urn:resure:problem:([a-z-]+)")
              .matcher(new String(yaml.readAllBytes(), StandardCharsets.UTF_8));
      while (types.find()) {
        contract.add(types.group(1).replace('-', '_').toUpperCase(Locale.ROOT));
      }
    }

    TreeSet<String> known = new TreeSet<>();
    Arrays.stream(ProblemType.values()).map(Enum::name).forEach(known::add);
    contract.add("FOREIGN");
    contract.add("UNKNOWN");
    assertThat(known).isEqualTo(contract);
  }

  @Test
  void aTypeOfANewerServiceIsUnknown() {
    assertThat(problem(418, PROBLEM.replace("invalid-field", "new")).type())
        .isEqualTo(ProblemType.UNKNOWN);
    assertThat(problem(418, PROBLEM.replace("invalid-field", "foreign")).type())
        .isEqualTo(ProblemType.UNKNOWN);
  }

  @Test
  void anErrorWithoutAProblemIsSomebodyElses() {
    for (String body : List.of("<html>", "", "{", "[]", "{\"type\": 1}", "{} {}")) {
      ProblemException problem = problem(503, body, "Retry-After", "7");

      assertThat(problem.type()).as(body).isEqualTo(ProblemType.FOREIGN);
      assertThat(problem.status()).isEqualTo(503);
      assertThat(problem.retryAfter()).isEqualTo(Duration.ofSeconds(7));
      assertThat(problem).hasMessageContaining("check the address");
    }
    assertThat(problem(404, PROBLEM, "Content-Type", "application/json").type())
        .isEqualTo(ProblemType.FOREIGN);
  }

  @Test
  void aMessageIsOneLineAndBounded() {
    ProblemException problem =
        problem(422, PROBLEM.replace("floor must", "\\n\\u001b[31m" + "x".repeat(10_000)));

    assertThat(problem.getMessage()).hasSizeLessThan(1000).doesNotContain("\n", "\u001b");
  }

  @Test
  void retryAfterIsSecondsOrATime() {
    assertThat(problem(429, PROBLEM, "Retry-After", "3").retryAfter())
        .isEqualTo(Duration.ofSeconds(3));
    assertThat(problem(429, PROBLEM, "Retry-After", "0").retryAfter()).isEqualTo(Duration.ZERO);
    assertThat(
            problem(
                    429,
                    PROBLEM,
                    "Retry-After",
                    "Sat, 31 Jan 2026 12:00:09 GMT",
                    "Date",
                    "Sat, 31 Jan 2026 12:00:00 GMT")
                .retryAfter())
        .isEqualTo(Duration.ofSeconds(9));
    assertThat(
            problem(
                    429,
                    PROBLEM,
                    "Retry-After",
                    "Sat, 31 Jan 2026 12:00:00 GMT",
                    "Date",
                    "Sat, 31 Jan 2026 12:00:09 GMT")
                .retryAfter())
        .isEqualTo(Duration.ZERO);
  }

  @Test
  void aRetryAfterThatIsNonsenseAsksForNothingOrForLong() {
    for (String nonsense : List.of("-1", "soon", "", "1.5", "9".repeat(40))) {
      assertThat(problem(429, PROBLEM, "Retry-After", nonsense).retryAfter()).isNull();
    }
    assertThat(problem(429, PROBLEM, "Retry-After", "999999999999999999").retryAfter())
        .isEqualTo(Duration.ofDays(1));
  }
}
