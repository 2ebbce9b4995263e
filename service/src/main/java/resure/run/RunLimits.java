package resure.run;

import java.time.Duration;

/**
 * Bounds of what the service holds.
 *
 * @param pendingBatches batches of one run that may wait for their steps to close
 * @param queuedLosses losses of all requests that may wait in one shard
 * @param loadedRuns runs in memory, all shards together; the one not used for longest leaves first
 * @param idleAfter how long a run stays in memory without a request
 * @param freshness how far what is read may be behind what other processes have appended
 */
public record RunLimits(
    int pendingBatches, int queuedLosses, int loadedRuns, Duration idleAfter, Duration freshness) {}
