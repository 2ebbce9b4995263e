package resure.bench;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.function.UnaryOperator;

/**
 * POSTs of batches, rendered once; only step, rank and key are written into a request when it is
 * sent. The ranks of a step follow each other, then the next run's, so that a step is over long
 * before the run's next one begins.
 *
 * <p>The number of different bodies is prime, so that a body comes back to a run only after that
 * many steps. Owner thread only.
 */
final class BatchRequests implements Requests {

  private static final int STEP_DIGITS = 7;
  private static final int RANK_DIGITS = 3;

  private final int runs;
  private final int ranks;
  private final byte[][] heads;
  private final byte[][] bodies;
  private final boolean keys;
  private final Framing framing;
  private long sent;

  /**
   * @param runs how many runs take turns
   * @param ranks batches of each step of a run
   * @param keys whether each request has an {@code Idempotency-Key}
   */
  BatchRequests(Shape shape, int runs, int ranks, boolean keys) {
    this(shape, runs, ranks, keys, Bearer.NONE);
  }

  /** The same, sent by somebody. */
  BatchRequests(Shape shape, int runs, int ranks, boolean keys, Bearer bearer) {
    this(shape, 0, runs, ranks, keys, Framing.http(shape, bearer));
  }

  /** The same for the runs from {@code firstRun} on. */
  BatchRequests(Shape shape, int firstRun, int runs, int ranks, boolean keys) {
    this(shape, firstRun, runs, ranks, keys, Framing.http(shape, Bearer.NONE));
  }

  /**
   * The same as calls of a script of Redis: a run is the key, a body the argument.
   *
   * @param script SHA-1 of the script, as Redis names it
   */
  static BatchRequests ofScript(Shape shape, int runs, int ranks, String script) {
    return new BatchRequests(shape, 0, runs, ranks, false, Framing.redis(shape, script));
  }

  private BatchRequests(
      Shape shape, int firstRun, int runs, int ranks, boolean keys, Framing framing) {
    if (ranks > 900) {
      throw new IllegalArgumentException("ranks are written with " + RANK_DIGITS + " digits");
    }
    this.runs = runs;
    this.ranks = ranks;
    this.keys = keys;
    this.framing = framing;
    bodies = new byte[shape == Shape.L ? 67 : 257][];
    for (int variant = 0; variant < bodies.length; variant++) {
      bodies[variant] = Bodies.json(shape, variant);
    }
    heads = new byte[runs][];
    for (int run = 0; run < runs; run++) {
      heads[run] =
          framing.head().apply(runName(firstRun + run)).getBytes(StandardCharsets.US_ASCII);
    }
  }

  /** Name of a run. */
  static String runName(int run) {
    return "bench-%06d".formatted(run);
  }

  /** Batches handed out so far. */
  long sent() {
    return sent;
  }

  @Override
  public int capacity() {
    return 512
        + heads[0].length
        + Arrays.stream(bodies).mapToInt(body -> body.length).max().orElse(0);
  }

  @Override
  public void next(ByteBuffer buffer) {
    long number = sent++;
    long rank = number % ranks;
    int run = (int) (number / ranks % runs);
    long step = Bodies.STEP + number / ranks / runs;
    byte[] body = bodies[(int) (number % bodies.length)];
    buffer.put(heads[run]);
    if (keys) {
      put(buffer, "Idempotency-Key: " + run + "/" + step + "/" + rank + "/0\r\n");
    }
    put(buffer, framing.beforeLength() + body.length + framing.afterLength());
    int at = buffer.position() + "{\"step\": ".length();
    buffer.put(body);
    putDigits(buffer, at, STEP_DIGITS, step);
    // A rank of one or two digits is followed by the blanks that JSON allows.
    int rankAt = at + STEP_DIGITS + ", \"rank\": ".length();
    for (int i = 0; i < RANK_DIGITS; i++) {
      buffer.put(rankAt + i, (byte) ' ');
    }
    putDigits(buffer, rankAt, rank < 10 ? 1 : rank < 100 ? 2 : 3, rank);
    put(buffer, framing.afterBody());
  }

  private static void put(ByteBuffer buffer, String text) {
    for (int i = 0; i < text.length(); i++) {
      buffer.put((byte) text.charAt(i));
    }
  }

  private static void putDigits(ByteBuffer buffer, int at, int digits, long number) {
    long rest = number;
    for (int i = at + digits - 1; i >= at; i--) {
      buffer.put(i, (byte) ('0' + rest % 10));
      rest /= 10;
    }
  }

  @Override
  public Answers answers() {
    return framing.answers();
  }

  /**
   * What is around a body.
   *
   * @param head beginning of a request by the name of its run
   * @param beforeLength what precedes the length of the body
   * @param afterLength what precedes the body
   * @param afterBody end of a request
   * @param answers what comes back
   */
  private record Framing(
      UnaryOperator<String> head,
      String beforeLength,
      String afterLength,
      String afterBody,
      Answers answers) {

    static Framing http(Shape shape, Bearer bearer) {
      return new Framing(
          run ->
              "POST /v1/runs/"
                  + run
                  + "/observations HTTP/1.1\r\n"
                  + "Host: 127.0.0.1\r\n"
                  + "Content-Type: application/json\r\n"
                  + bearer.header(),
          "Content-Length: ",
          "\r\n\r\n",
          "",
          new Answers.Http(200, smallest(shape)));
    }

    static Framing redis(Shape shape, String script) {
      return new Framing(
          run -> "*5\r\n$7\r\nEVALSHA\r\n%s$1\r\n1\r\n%s".formatted(bulk(script), bulk(run)),
          "$",
          "\r\n",
          "\r\n",
          new Answers.BulkStrings(smallest(shape)));
    }

    private static String bulk(String text) {
      return "$" + text.length() + "\r\n" + text + "\r\n";
    }

    /** A weight and its comma are two characters at least. */
    private static int smallest(Shape shape) {
      return 2 * shape.losses();
    }
  }
}
