package resure.bench;

/**
 * What a client saw in one window, every answer being as expected.
 *
 * @param requests answered
 * @param perSecond those by the time from the first request to the last answer
 * @param p50Millis median latency
 * @param p99Millis latency that one request in a hundred exceeds
 * @param maxMillis highest latency
 */
record Load(long requests, double perSecond, double p50Millis, double p99Millis, double maxMillis) {

  /** Sums up the latencies, ascending, of a window. */
  static Load of(long nanos, long[] latencies) {
    return new Load(
        latencies.length,
        latencies.length / (nanos / 1e9),
        Figures.percentile(latencies, 0.5) / 1e6,
        Figures.percentile(latencies, 0.99) / 1e6,
        Figures.percentile(latencies, 1) / 1e6);
  }
}
