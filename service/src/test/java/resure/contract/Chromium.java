package resure.contract;

import com.microsoft.playwright.Browser;
import com.microsoft.playwright.BrowserContext;
import com.microsoft.playwright.BrowserType;
import com.microsoft.playwright.Page;
import com.microsoft.playwright.Playwright;
import com.microsoft.playwright.options.ColorScheme;
import java.io.File;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

/** The Chromium of this machine, without a window. One thread. */
final class Chromium implements AutoCloseable {

  private static final List<String> NAMES = List.of("chromium", "chromium-browser");

  private final Playwright playwright;
  private final Browser browser;

  private Chromium(Path executable) {
    playwright =
        Playwright.create(
            new Playwright.CreateOptions().setEnv(Map.of("PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD", "1")));
    browser =
        playwright
            .chromium()
            .launch(
                new BrowserType.LaunchOptions()
                    .setExecutablePath(executable)
                    .setArgs(
                        List.of(
                            "--no-sandbox",
                            "--disable-gpu",
                            "--disable-quic",
                            "--disable-background-networking")));
  }

  /** Where it is, if it is installed. */
  static Optional<Path> installed() {
    return Stream.of(System.getenv("PATH").split(File.pathSeparator))
        .flatMap(directory -> NAMES.stream().map(name -> Path.of(directory, name)))
        .filter(Files::isExecutable)
        .findFirst();
  }

  static Chromium start(Path executable) {
    return new Chromium(executable);
  }

  /** A tab of its own, of a person who has never been here. */
  Tab open(int width, ColorScheme scheme) {
    return new Tab(
        browser.newContext(
            new Browser.NewContextOptions()
                .setViewportSize(width, 900)
                .setColorScheme(scheme)
                .setPermissions(List.of("clipboard-read", "clipboard-write"))));
  }

  @Override
  public void close() {
    browser.close();
    playwright.close();
  }

  /** A tab, with everything that went wrong in it and all that it asked for. */
  static final class Tab implements AutoCloseable {

    private final BrowserContext context;
    private final List<String> faults = new ArrayList<>();
    private final List<String> requests = new ArrayList<>();
    final Page page;

    private Tab(BrowserContext context) {
      this.context = context;
      page = context.newPage();
      page.onConsoleMessage(
          message -> {
            if (List.of("error", "warning").contains(message.type())) {
              faults.add(page.url() + ": " + message.type() + " " + message.text());
            }
          });
      page.onPageError(error -> faults.add(page.url() + ": " + error));
      page.onDialog(
          dialog -> {
            faults.add(page.url() + ": dialog " + dialog.message());
            dialog.dismiss();
          });
      page.onRequest(request -> requests.add(request.url()));
    }

    List<String> faults() {
      return faults;
    }

    /** The addresses of all requests so far. */
    List<String> requests() {
      return requests;
    }

    @Override
    public void close() {
      context.close();
    }
  }
}
