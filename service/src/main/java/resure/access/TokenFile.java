package resure.access;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * The file of valid tokens. Its content is looked at again and again, and not its time: a mounted
 * secret is changed by swapping a link. What cannot be read, or is broken, leaves the tokens as
 * they were, and is said once.
 */
public final class TokenFile implements AutoCloseable {

  /** How long a token that was taken out of the file, or put in, waits for that to count. */
  private static final Duration EVERY = Duration.ofSeconds(5);

  /** No file of tokens is that large; something else is. */
  private static final long LARGEST_BYTES = 16 << 20;

  private final Path path;
  private final Consumer<String> says;
  private final ScheduledExecutorService thread;

  /** Written by the thread that looks; read by all. */
  private volatile TokenSet tokens;

  /** Of that thread alone. */
  private String text;

  private @Nullable String said;

  private TokenFile(Path path, String text, TokenSet tokens, Consumer<String> says) {
    this.path = path;
    this.text = text;
    this.tokens = tokens;
    this.says = says;
    thread =
        Executors.newSingleThreadScheduledExecutor(
            Thread.ofPlatform().daemon().name("resure-tokens").factory());
  }

  /**
   * Reads the file, and goes on looking at it until this is closed.
   *
   * @param says is told what became of a changed file, in sentences without secrets
   * @throws IOException when it is missing, cannot be read, is empty or broken
   */
  public static TokenFile open(Path path, Consumer<String> says) throws IOException {
    String text = read(path);
    TokenFile file;
    try {
      file = new TokenFile(path, text, TokenSet.parse(text), says);
    } catch (IllegalArgumentException e) {
      throw new IOException(e.getMessage(), e);
    }
    var _ =
        file.thread.scheduleWithFixedDelay(
            file::look, EVERY.toMillis(), EVERY.toMillis(), TimeUnit.MILLISECONDS);
    return file;
  }

  private static String read(Path path) throws IOException {
    long size = Files.size(path);
    if (size > LARGEST_BYTES) {
      throw new IOException("it has " + size + " bytes, of at most " + LARGEST_BYTES);
    }
    return Files.readString(path);
  }

  /** The tokens that are valid now. */
  public TokenSet tokens() {
    return tokens;
  }

  /** Takes what the file has now, if that is sound. */
  void look() {
    String now;
    try {
      now = read(path);
      if (now.equals(text)) {
        said = null;
        return;
      }
      TokenSet changed = TokenSet.parse(now);
      tokens = changed;
      text = now;
      said = null;
      says.accept("The token file has changed: %d tokens are valid".formatted(changed.size()));
    } catch (IOException | IllegalArgumentException e) {
      String fault =
          "The token file cannot be used, and the tokens that it had stay valid: " + e.getMessage();
      if (!fault.equals(said)) {
        said = fault;
        says.accept(fault);
      }
    }
  }

  @Override
  public void close() {
    thread.shutdownNow();
  }
}
