package resure.contract;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.http.HttpClient;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The files of the console, as any client gets them. */
class ConsoleFilesTest {

  private static final Pattern LINKED = Pattern.compile("(?:href|src)=\"([^#\"]+\\.\\w+)\"");

  private static LiveService live;
  private static HttpClient client;

  @BeforeAll
  static void start() {
    live = LiveService.start();
    client = HttpClient.newHttpClient();
  }

  @AfterAll
  static void stop() {
    client.close();
    live.close();
  }

  private static HttpResponse<String> send(String method, String path, String... headers)
      throws IOException, InterruptedException {
    return client.send(
        live.request(method, path, headers).method(method, BodyPublishers.noBody()).build(),
        BodyHandlers.ofString());
  }

  @Test
  void thePageIsAtTheRootAndAllThatItLinksToIsThere() throws Exception {
    HttpResponse<String> page = send("GET", "/");

    assertThat(page.statusCode()).isEqualTo(200);
    assertThat(page.headers().firstValue("Content-Type")).contains("text/html;charset=utf-8");
    assertThat(send("GET", "/index.html").body()).isEqualTo(page.body());
    assertThat(LINKED.matcher(page.body()).results().map(MatchResult::group).toList())
        .hasSizeGreaterThan(5);
    for (MatchResult linked : LINKED.matcher(page.body()).results().toList()) {
      assertThat(send("GET", "/" + linked.group(1)).statusCode()).as(linked.group()).isEqualTo(200);
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "/|text/html",
        "/main.js|text/javascript",
        "/style/page.css|text/css",
        "/favicon.svg|image/svg+xml",
        "/vendor/uplot-1.6.32/LICENSE|text/plain"
      })
  void everyFileSaysWhatItIsAndThatNothingElseMayRun(String row) throws Exception {
    String path = row.substring(0, row.indexOf('|'));
    HttpResponse<String> file = send("GET", path);

    assertThat(file.headers().firstValue("Content-Type").orElse(""))
        .startsWith(row.substring(path.length() + 1));
    assertThat(file.headers().firstValue("Content-Security-Policy").orElse(""))
        .contains("default-src 'self'", "frame-ancestors 'none'", "require-trusted-types-for")
        .doesNotContain("unsafe", "http:", "https:", "*");
    assertThat(file.headers().firstValue("X-Content-Type-Options")).contains("nosniff");
    assertThat(file.headers().firstValue("Referrer-Policy")).contains("no-referrer");
  }

  @Test
  void aFileThatTheBrowserHasIsNotSentAgain() throws Exception {
    HttpResponse<String> first = send("GET", "/main.js");
    String etag = first.headers().firstValue("ETag").orElseThrow();

    assertThat(first.headers().firstValue("Cache-Control")).contains("no-cache");
    assertThat(send("GET", "/main.js", "If-None-Match", etag).statusCode()).isEqualTo(304);
    assertThat(send("GET", "/main.js", "If-None-Match", "\"other\"").statusCode()).isEqualTo(200);
    HttpResponse<String> head = send("HEAD", "/main.js");
    assertThat(head.statusCode()).isEqualTo(200);
    assertThat(head.body()).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "/pages",
        "/pages/",
        "/..%2f..%2fapplication.properties",
        "/%2e%2e/openapi/resure.yaml",
        "/application.properties",
        "/main.js/",
        "//main.js"
      })
  void nothingElseIsThere(String path) throws Exception {
    assertThat(send("GET", path).statusCode()).isIn(400, 404);
  }

  @Test
  void aFileIsOnlyRead() throws Exception {
    HttpResponse<String> answer = send("POST", "/main.js");

    assertThat(answer.statusCode()).isEqualTo(405);
    assertThat(answer.headers().firstValue("Allow").orElse("")).contains("GET", "HEAD");
  }
}
