package resure.journal;

/**
 * The idempotency key of a batch without a step that was trimmed away: all that is left of it.
 *
 * @param key the client's
 * @param sequence where the batch was
 */
public record LastingKey(String key, long sequence) {}
