package resure.client;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/** A batch on its way to the service. What changes is guarded by the outbox. */
final class Delivery {

  private static final int LONGEST_KEY = 255;

  final String key;

  /** Done once a step must not wait any longer: for its weights, or for why there are none. */
  final CompletableFuture<Void> over = new CompletableFuture<>();

  /** With the weights that were applied, once the step has gone on without the service's. */
  Batch body;

  /** The answer, where one came while the step waited or after. */
  @Nullable Scores scores;

  /** Why the step need not wait for an answer. */
  @Nullable FallbackReason hindered;

  /** Whether a post without applied weights may have been recorded. */
  boolean mayBeRecordedBare;

  /** Answers that said neither that the batch was taken nor why not. */
  int senseless;

  Delivery(String key, Batch body) {
    this.key = key;
    this.body = body;
  }

  /**
   * The key of a batch: the same when the same step is sent again, by this process or by the next
   * that runs the same attempt. A batch without a step has one of its own.
   */
  static String key(String run, Batch batch) {
    if (batch.step == null) {
      return UUID.randomUUID().toString();
    }
    String key =
        run
            + "/"
            + (batch.attempt == null ? "-" : batch.attempt)
            + "/"
            + batch.step
            + "/"
            + batch.rank
            + "/"
            + batch.microBatch;
    return key.length() <= LONGEST_KEY && key.chars().allMatch(c -> c > ' ' && c < 0x7f)
        ? key
        : sha256(key);
  }

  private static String sha256(String text) {
    try {
      return HexFormat.of()
          .formatHex(
              MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8)));
    } catch (NoSuchAlgorithmException e) {
      throw new AssertionError("every Java has it", e);
    }
  }
}
