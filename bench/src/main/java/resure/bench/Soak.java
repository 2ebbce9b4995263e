package resure.bench;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.io.PrintStream;
import java.net.InetAddress;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.LongAdder;
import java.util.stream.Stream;

/**
 * A long time of everything at once: trainers that post and repeat by key, slow ones, connections
 * that say half of something, bodies that are too large, readers of events, scrapes, replays, and a
 * kill -9 in the middle. What it holds the service to: every observation that was answered is in
 * the statistics at the end, once; nothing of the process grows.
 *
 * <p>Growth is looked for within each life of the process, once it has been warm for a while: of
 * live objects (after a full collection), resident memory, which has what is native, threads and
 * open files, the first of those samples beside the last.
 */
final class Soak {

  static final Map<String, String> DEFAULTS =
      Environment.defaults(
          Map.of(
              "seconds", "1200",
              "runs", "200",
              "rate", "300",
              "samples", "6",
              "durability", "fsync"));

  private static final int LARGE_EVERY = 20;
  private static final int READERS = 20;
  private static final int SLOW = 4;
  private static final int HALF_OPEN = 16;
  private static final int TOO_LARGE = 9 << 20;
  private static final Duration PATIENCE = Duration.ofSeconds(10);
  private static final Duration LONGEST_END = Duration.ofMinutes(2);

  private final Options options;
  private final Environment environment;
  private final PrintStream out;
  private final Path state;
  private final int runs;

  /** One for all trainers; each request on a connection that the client keeps. */
  private final HttpClient http =
      HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).connectTimeout(PATIENCE).build();

  /** Replaced when it is started again; read by all. */
  private volatile ServerProcess service;

  /** When nothing new is begun any more. */
  private volatile boolean over;

  private final AtomicLong[] answered;
  private final ConcurrentMap<String, LongAdder> counts = new ConcurrentHashMap<>();
  private final Latencies latencies = new Latencies();
  private final List<Sample> samples = new ArrayList<>();

  Soak(Options options, PrintStream out) throws IOException {
    this.options = options;
    this.environment = Environment.of(options);
    this.out = out;
    runs = options.number("runs");
    state = environment.freshState("soak");
    answered = Stream.generate(AtomicLong::new).limit(runs).toArray(AtomicLong[]::new);
    service = start();
  }

  private ServerProcess start() throws IOException {
    return ServerProcess.ofService(
        environment.serviceJar(),
        environment.jvm(),
        environment.log("soak"),
        state,
        options.text("durability"));
  }

  /** Whether all that was answered is there, and nothing else. */
  boolean run() throws IOException, InterruptedException {
    out.println(Environment.machine());
    out.println(options);
    try {
      service.awaitReady();
      HttpComparison.createRuns(service, runs);
      long nanos = TimeUnit.SECONDS.toNanos(options.number("seconds"));
      long end = System.nanoTime() + nanos;
      try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
        begin(threads);
        observe(end - nanos / 2);
        restart();
        observe(end);
        over = true;
        threads.shutdown();
        if (!threads.awaitTermination(LONGEST_END.toSeconds(), TimeUnit.SECONDS)) {
          out.println("FAILED: not everybody was answered in " + LONGEST_END);
          threads.shutdownNow();
          return false;
        }
      }
      report();
      return nothingIsMissing();
    } finally {
      service.close();
      http.close();
      Disk.delete(state);
    }
  }

  private void begin(ExecutorService threads) {
    double each = (double) options.number("rate") / runs;
    for (int run = 0; run < runs; run++) {
      int number = run;
      boolean slow = run < SLOW;
      threads.execute(() -> train(number, slow ? 1 : each, slow));
    }
    for (int i = 0; i < READERS; i++) {
      int run = i * 7 % runs;
      threads.execute(() -> again(() -> readEvents(run)));
    }
    for (int i = 0; i < HALF_OPEN; i++) {
      int number = i;
      threads.execute(() -> again(() -> sayHalf(number)));
    }
    threads.execute(() -> again(this::sendTooMuch));
    threads.execute(() -> again(this::scrape));
    threads.execute(() -> again(this::replay));
  }

  /** Something that is done until the end, whatever becomes of it. */
  @FunctionalInterface
  private interface Deed {
    void run() throws IOException, InterruptedException;
  }

  private void again(Deed deed) {
    while (!over) {
      try {
        deed.run();
      } catch (IOException e) {
        // As when the process was killed: the others see to it that it is not for nothing.
        sleep(100);
      } catch (InterruptedException e) {
        return;
      }
    }
  }

  private void train(int run, double perSecond, boolean slow) {
    Random random = new Random(run);
    long pause = Math.round(1000 / perSecond);
    sleep(random.nextLong(pause + 1));
    for (long step = 0; !over; step++) {
      Shape shape = !slow && (step + run) % LARGE_EVERY == 0 ? Shape.L : Shape.S;
      String body =
          new String(Bodies.json(shape, (int) ((step * 31 + run) % 257)), StandardCharsets.US_ASCII)
              .replace("\"step\": " + Bodies.STEP, "\"step\": " + step);
      long start = System.nanoTime();
      if (!postUntilAnswered(run, run + "/" + step, body, slow)) {
        return;
      }
      long took = System.nanoTime() - start;
      answered[run].addAndGet(shape.losses());
      if (!slow) {
        latencies.add(took);
      }
      if (random.nextInt(50) == 0 && postUntilAnswered(run, run + "/" + step, body, false)) {
        count("repeated by key");
      }
      sleep(pause - took / 1_000_000);
    }
  }

  /** Repeats by key until it is answered; false when the service refuses it, or time is up. */
  private boolean postUntilAnswered(int run, String key, String body, boolean slow) {
    for (int tries = 0; tries < 10_000; tries++) {
      try {
        int status = slow ? postSlowly(run, key, body) : post(run, key, body);
        count("batches answered " + status);
        if (status == 200) {
          return true;
        }
        if (status != 429 && status != 503) {
          out.println("FAILED: run " + run + " was answered " + status);
          return false;
        }
      } catch (IOException e) {
        count("batches not answered");
      } catch (InterruptedException e) {
        return false;
      }
      sleep(Math.min(1000, 20L << Math.min(tries, 6)));
    }
    return false;
  }

  private int post(int run, String key, String body) throws IOException, InterruptedException {
    HttpRequest request =
        HttpRequest.newBuilder(uri("/v1/runs/" + BatchRequests.runName(run) + "/observations"))
            .timeout(PATIENCE)
            .header("Content-Type", "application/json")
            .header("Idempotency-Key", key)
            .POST(HttpRequest.BodyPublishers.ofString(body))
            .build();
    return http.send(request, HttpResponse.BodyHandlers.discarding()).statusCode();
  }

  private URI uri(String path) {
    return URI.create("http://127.0.0.1:" + service.port() + path);
  }

  /** A few hundred bytes at a time. */
  private int postSlowly(int run, String key, String body) throws IOException {
    try (Socket socket = connected()) {
      OutputStream to = socket.getOutputStream();
      to.write(head(run, key, body.length()));
      for (int from = 0; from < body.length(); from += 512) {
        to.write(
            body.substring(from, Math.min(body.length(), from + 512))
                .getBytes(StandardCharsets.US_ASCII));
        sleep(50);
      }
      return status(socket.getInputStream());
    }
  }

  private Socket connected() throws IOException {
    Socket socket = new Socket(InetAddress.getLoopbackAddress(), service.port());
    socket.setSoTimeout((int) PATIENCE.toMillis());
    socket.setTcpNoDelay(true);
    return socket;
  }

  private static byte[] head(int run, String key, long length) {
    return ("POST /v1/runs/"
            + BatchRequests.runName(run)
            + "/observations HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
            + "Connection: close\r\nIdempotency-Key: "
            + key
            + "\r\nContent-Length: "
            + length
            + "\r\n\r\n")
        .getBytes(StandardCharsets.US_ASCII);
  }

  private static int status(InputStream from) throws IOException {
    byte[] line = from.readNBytes("HTTP/1.1 200".length());
    if (line.length < "HTTP/1.1 200".length()) {
      throw new IOException("the connection was closed before an answer");
    }
    int status =
        Integer.parseInt(
            new String(line, StandardCharsets.US_ASCII).substring("HTTP/1.1 ".length()));
    from.transferTo(OutputStream.nullOutputStream());
    return status;
  }

  private void readEvents(int run) throws IOException {
    try (Socket socket = connected();
        BufferedReader lines =
            new BufferedReader(
                new InputStreamReader(socket.getInputStream(), StandardCharsets.UTF_8))) {
      socket
          .getOutputStream()
          .write(
              ("GET /v1/runs/"
                      + BatchRequests.runName(run)
                      + "/events HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: text/event-stream\r\n\r\n")
                  .getBytes(StandardCharsets.US_ASCII));
      // One in a while is left in the middle.
      for (int events = 0; events < 500 && !over; ) {
        String line = lines.readLine();
        if (line == null) {
          return;
        }
        if (line.startsWith("data:")) {
          count("events read");
          events++;
        }
      }
    }
  }

  private void sayHalf(int number) throws IOException {
    try (Socket socket = connected()) {
      byte[] whole = head(SLOW + number % (runs - SLOW), "half", 1000);
      socket.getOutputStream().write(whole, 0, number % 2 == 0 ? whole.length / 2 : whole.length);
      count("said half");
      for (int tenth = 0; tenth < 100 && !over; tenth++) {
        sleep(100);
      }
    }
  }

  private void sendTooMuch() throws IOException, InterruptedException {
    int status = post(SLOW, "large", "x".repeat(TOO_LARGE));
    count("too large answered " + status);
    sleep(1000);
  }

  private void scrape() throws IOException, InterruptedException {
    double scored = service.metric("resure_group_batches_count");
    count(scored >= 0 ? "scrapes" : "scrapes without figures");
    sleep(5000);
  }

  private void replay() throws IOException, InterruptedException {
    int run = SLOW + 1;
    HttpRequest start =
        HttpRequest.newBuilder(uri("/v1/runs/" + BatchRequests.runName(run) + "/replays"))
            .timeout(PATIENCE)
            .header("Content-Type", "application/json")
            .POST(
                HttpRequest.BodyPublishers.ofString(
                    "{\"grid\": {\"weighting.threshold\": {\"from\": 0.5, \"to\": 2,"
                        + " \"points\": 10}}}"))
            .build();
    HttpResponse<String> started = http.send(start, HttpResponse.BodyHandlers.ofString());
    count("replays answered " + started.statusCode());
    String location = started.headers().firstValue("Location").orElse("");
    for (int tenth = 0; !over && !location.isEmpty() && tenth < 600; tenth++) {
      String replay = service.get(location + "?limit=1");
      if (!replay.contains("\"running\"")) {
        count(replay.contains("\"done\"") ? "replays done" : "replays not done");
        break;
      }
      sleep(100);
    }
    sleep(5000);
  }

  private void count(String what) {
    counts.computeIfAbsent(what, w -> new LongAdder()).increment();
  }

  private static void sleep(long millis) {
    try {
      Thread.sleep(Math.max(0, millis));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** What of the process could grow. */
  private record Sample(
      int life, double seconds, long heap, long resident, long threads, long files) {

    @Override
    public String toString() {
      return "life %d, %5.0f s: live heap %6.1f MB, resident %6.1f MB, %3d threads, %4d files"
          .formatted(life, seconds, heap / 1e6, resident / 1e6, threads, files);
    }
  }

  /** Takes samples until a time; the first third of it is left to warming up. */
  private void observe(long until) throws IOException, InterruptedException {
    int life = samples.isEmpty() ? 1 : 2;
    int count = options.number("samples");
    long start = System.nanoTime();
    long first = start + (until - start) / 3;
    for (int i = 0; i < count; i++) {
      long at = first + (until - first) * i / (count - 1);
      sleep((at - System.nanoTime()) / 1_000_000);
      Sample sample =
          new Sample(
              life,
              (System.nanoTime() - start) / 1e9,
              service.liveHeapBytes(),
              service.residentBytes(),
              service.threads(),
              service.openFiles());
      samples.add(sample);
      out.println(sample);
    }
    latencies.report(out, life);
  }

  private void restart() throws IOException, InterruptedException {
    service.close();
    service = start();
    out.printf("killed; ready again after %.1f s%n", service.awaitReady().toNanos() / 1e9);
  }

  private void report() {
    counts.entrySet().stream()
        .sorted(Map.Entry.comparingByKey())
        .forEach(count -> out.printf("  %-28s %d%n", count.getKey(), count.getValue().sum()));
    for (int life = 1; life <= 2; life++) {
      int of = life;
      List<Sample> some = samples.stream().filter(sample -> sample.life == of).toList();
      Sample first = some.getFirst();
      Sample last = some.getLast();
      double hours = (last.seconds - first.seconds) / 3600;
      out.printf(
          "life %d grew: live heap %+.1f MB, resident %+.1f MB, threads %+d, files %+d; live heap"
              + " %+.0f MB an hour%n",
          life,
          (last.heap - first.heap) / 1e6,
          (last.resident - first.resident) / 1e6,
          last.threads - first.threads,
          last.files - first.files,
          (last.heap - first.heap) / 1e6 / hours);
    }
  }

  private boolean nothingIsMissing() throws IOException, InterruptedException {
    long sum = 0;
    boolean right = true;
    for (int run = 0; run < runs; run++) {
      long expected = answered[run].get();
      long found =
          HttpComparison.observations(
              service.get("/v1/runs/" + BatchRequests.runName(run) + "/statistics"));
      sum += found;
      if (found != expected) {
        right = false;
        out.printf("FAILED: run %d has %d observations, answered were %d%n", run, found, expected);
      }
    }
    out.printf(
        "checked: the statistics of %d runs hold %d observations%s%n",
        runs, sum, right ? ", all that were answered, once" : "");
    return right;
  }

  /** Of the trainers' posts, from the first try to the answer. Safe for use by any thread. */
  private static final class Latencies {
    private List<Long> nanos = new ArrayList<>();

    synchronized void add(long one) {
      nanos.add(one);
    }

    /** Says what they were since the last time. */
    synchronized void report(PrintStream out, int life) {
      long[] sorted = nanos.stream().mapToLong(Long::longValue).sorted().toArray();
      nanos = new ArrayList<>();
      out.printf(
          "life %d: %d batches, from the first try to the answer p50 %.2f ms, p99 %.1f ms, max %.0f"
              + " ms%n",
          life,
          sorted.length,
          Figures.percentile(sorted, 0.5) / 1e6,
          Figures.percentile(sorted, 0.99) / 1e6,
          Figures.percentile(sorted, 1) / 1e6);
    }
  }
}
