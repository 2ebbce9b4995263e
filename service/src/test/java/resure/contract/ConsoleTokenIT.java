package resure.contract;

import static com.microsoft.playwright.assertions.PlaywrightAssertions.assertThat;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.microsoft.playwright.Page;
import com.microsoft.playwright.options.ColorScheme;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.EnumSet;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.parallel.ResourceLock;
import resure.access.Scope;
import resure.access.TokenSet;

/** The console on a service that wants a token. */
@Timeout(value = 120, threadMode = Timeout.ThreadMode.SAME_THREAD)
@ResourceLock(LiveService.IN_THIS_PROCESS)
class ConsoleTokenIT {

  @Test
  void aTokenIsAskedForOnceAndIsInNoAddress(@TempDir Path directory) throws IOException {
    Optional<Path> installed = Chromium.installed();
    assumeTrue(
        installed.isPresent(), "SKIPPED: no chromium here to give a token to the console in");
    TokenSet.Created token = TokenSet.create("team-a", EnumSet.of(Scope.READ, Scope.WRITE));
    Path tokens = Files.writeString(directory.resolve("tokens"), token.line() + "\n");
    try (LiveService guarded = LiveService.start("resure.access.tokens=" + tokens);
        Chromium chromium = Chromium.start(installed.get());
        Chromium.Tab tab = chromium.open(1440, ColorScheme.LIGHT)) {
      guarded.authorize(token.secret());
      String path = guarded.newRun("{}");
      for (int step = 0; step < 3; step++) {
        guarded.score(
            path, "{\"step\":%d,\"dialogues\":[{\"id\":\"d\",\"losses\":[2.5]}]}".formatted(step));
      }
      Page page = tab.page;
      page.navigate(
          "http://localhost:" + guarded.port() + "/#/runs/" + path.substring("/v1/runs/".length()));
      page.locator("#token-text").fill("resure_wrong");
      page.keyboard().press("Enter");
      assertThat(page.locator("#token-why")).containsText("not valid");
      page.locator("#token-text").fill(token.secret());
      page.keyboard().press("Enter");
      page.locator(".losses canvas").first().waitFor();
      assertThat(page.locator(".connection")).hasText("Live");

      assertThat(tab.requests()).noneMatch(url -> url.contains("resure_"));
      assertThat(page.url()).doesNotContain("resure_");
      assertThat(page.evaluate("localStorage.length + document.cookie.length")).isEqualTo(0);
      page.reload();
      page.locator(".losses canvas").first().waitFor();

      page.locator("#forget").click();
      assertThat(page.locator("#token")).isVisible();
    }
  }
}
