package resure.api;

import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.core.io.buffer.DataBuffer;
import org.springframework.core.io.buffer.DataBufferFactory;
import org.springframework.http.HttpHeaders;
import org.springframework.http.HttpStatus;
import org.springframework.http.MediaType;
import reactor.core.publisher.Flux;
import reactor.core.publisher.FluxSink;
import reactor.core.publisher.Mono;
import resure.access.Quotas;
import resure.observation.RunId;
import resure.projection.EventsQuery;
import resure.projection.HistoryEvent;
import resure.projection.HistoryEvent.Position;
import resure.projection.Looked;
import resure.projection.ReadModels;
import resure.run.Outcome;
import resure.run.Refusal;
import resure.run.RunDescription;
import resure.run.Runs;

/**
 * Streams of what happens to runs. What is told is what the rows of the history say, so that a
 * stream that is resumed, or goes on at another process, says the same. Each run that is watched is
 * looked at now and then, once for all who watch it, and each chunk of events is written once and
 * shared. Who reads too slowly is cut, and may resume: nothing is kept for anybody.
 *
 * <p>Everything but {@link #open} and {@link #close} happens on one thread.
 */
public final class EventStreams implements AutoCloseable {

  /** Streams that may be open. */
  static final int MOST_STREAMS = 2000;

  /** Steps that are told at once. */
  private static final int CHUNK_STEPS = 16;

  /**
   * Bytes that a stream which is up to date may leave unread, beyond what is on its way. Those who
   * watch a run share them.
   */
  private static final int MOST_WAITING_BYTES = 1 << 19;

  /** How often a run is looked at in which something happens. */
  private static final long SOONEST_MILLIS = 250;

  /** How often one is looked at in which nothing does, where nobody else could change it. */
  private static final long LATEST_MILLIS = 4000;

  private static final long HEARTBEAT_SECONDS = 15;
  private static final long STOP_SECONDS = 2;
  private static final Logger LOG = LoggerFactory.getLogger(EventStreams.class);

  private final Runs runs;
  private final ReadModels models;
  private final Quotas quotas;
  private final long soonestMillis;
  private final long latestMillis;
  private final Semaphore room = new Semaphore(MOST_STREAMS);
  private final ScheduledExecutorService thread =
      Executors.newSingleThreadScheduledExecutor(
          Thread.ofPlatform().name("resure-events").daemon().factory());
  private final Map<RunId, Watched> watched = new HashMap<>();

  /** Set once; afterwards no stream is opened. */
  private volatile boolean closed;

  /**
   * Starts the thread.
   *
   * @param freshness how far behind a journal that is shared what is told may be; zero for one that
   *     is not
   */
  public EventStreams(Runs runs, ReadModels models, Quotas quotas, Duration freshness) {
    this.runs = runs;
    this.models = models;
    this.quotas = quotas;
    soonestMillis = Math.max(SOONEST_MILLIS, freshness.toMillis());
    latestMillis = freshness.isZero() ? LATEST_MILLIS : soonestMillis;
    var _ =
        thread.scheduleAtFixedRate(
            this::beat, HEARTBEAT_SECONDS, HEARTBEAT_SECONDS, TimeUnit.SECONDS);
  }

  /** A reader that does not keep up is cut: it may come again. Nothing was wrong here. */
  static final class TooSlowException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    TooSlowException() {
      super("an event stream was not read in time", null, false, false);
    }
  }

  /** One that is open. */
  private final class Stream {
    private final DataBufferFactory buffers;

    /** Bytes that were told and are not being written yet; by any thread. */
    private final AtomicLong waiting = new AtomicLong();

    private @Nullable FluxSink<DataBuffer> sink;

    /** Who is watched, once that is known. */
    private @Nullable Watched of;

    /** Up to where it was told; of one that is up to date that of its run counts. */
    private Position position = Position.after(0);

    /** Whether its next events are being looked up. */
    private boolean asking;

    Stream(DataBufferFactory buffers) {
      this.buffers = buffers;
    }

    /** The body: each part is asked for when the one before it has been written. */
    Flux<Mono<DataBuffer>> body(Consumer<Stream> subscribed) {
      return Flux.<DataBuffer>create(
              to -> {
                sink = to;
                subscribed.accept(this);
              },
              FluxSink.OverflowStrategy.ERROR)
          .map(
              part ->
                  Mono.fromSupplier(
                      () -> {
                        waiting.addAndGet(-part.readableByteCount());
                        execute(this::written);
                        return part;
                      }));
    }

    private void written() {
      Watched watchedRun = of;
      if (watchedRun != null) {
        catchUp(watchedRun, this);
      }
    }

    private FluxSink<DataBuffer> sink() {
      return Objects.requireNonNull(sink, "nobody has subscribed");
    }

    /** Whether everything that it was told is on its way. */
    boolean ready() {
      return waiting.get() == 0 && sink().requestedFromDownstream() > 0;
    }

    void tell(byte[] text) {
      if (waiting.get() <= MOST_WAITING_BYTES && sink().requestedFromDownstream() > 0) {
        waiting.addAndGet(text.length);
        sink().next(buffers.wrap(text));
      } else {
        sink().error(new TooSlowException());
      }
    }

    void end() {
      sink().complete();
    }

    boolean ended() {
      return sink().isCancelled();
    }
  }

  /** A run that somebody watches. */
  private static final class Watched {
    private final RunDescription run;
    private final List<Stream> upToDate = new ArrayList<>();

    /** Those that are told what happened before. */
    private final List<Stream> behind = new ArrayList<>();

    private Position position;
    private long pauseMillis;
    private boolean asking;

    /** The run's sequence, as last seen. */
    private long sequence;

    Watched(RunDescription run, long pauseMillis) {
      this.run = run;
      this.pauseMillis = pauseMillis;
      sequence = run.sequence();
      position = Position.after(sequence);
    }

    List<Stream> all() {
      List<Stream> all = new ArrayList<>(upToDate);
      all.addAll(behind);
      return all;
    }
  }

  /** Answers with a stream, from now on or from where an earlier one ended. */
  Mono<Void> open(Exchange exchange) {
    return exchange.stream(quotas, () -> opened(exchange));
  }

  private Mono<Void> opened(Exchange exchange) {
    exchange.allowQuery();
    exchange.offer(MediaType.TEXT_EVENT_STREAM);
    EventText.Id last = EventText.Id.of(exchange.header("Last-Event-ID"));
    return exchange
        .await(runs.describe(RunHandler.runId(exchange), 0))
        .flatMap(
            run -> {
              if (closed) {
                return Mono.error(
                    ProblemException.of(
                        ProblemType.STORE_UNAVAILABLE, "The service is stopping. Try again."));
              }
              if (!room.tryAcquire()) {
                return Mono.error(
                    ProblemException.of(
                        ProblemType.TOO_MANY_STREAMS,
                        MOST_STREAMS + " event streams may be open at once. Close some."));
              }
              exchange.response().setStatusCode(HttpStatus.OK);
              HttpHeaders headers = exchange.response().getHeaders();
              headers.setContentType(MediaType.TEXT_EVENT_STREAM);
              headers.setCacheControl("no-store");
              // Or a proxy gathers what is to arrive now.
              headers.set("X-Accel-Buffering", "no");
              return exchange
                  .response()
                  .writeAndFlushWith(
                      new Stream(exchange.response().bufferFactory())
                          .body(stream -> subscribed(run, last, stream))
                          .takeUntilOther(exchange.accessEnded()));
            });
  }

  private void subscribed(RunDescription run, EventText.@Nullable Id last, Stream stream) {
    stream
        .sink()
        .onDispose(
            () -> {
              room.release();
              execute(() -> leave(run.key().id(), stream));
            });
    stream.tell(EventText.OPENED);
    if (!execute(() -> join(run, last, stream))) {
      stream.end();
    }
  }

  private boolean execute(Runnable task) {
    try {
      thread.execute(task);
      return true;
    } catch (RejectedExecutionException e) {
      return false;
    }
  }

  private void join(RunDescription run, EventText.@Nullable Id last, Stream stream) {
    if (stream.ended()) {
      return;
    }
    if (closed) {
      stream.end();
      return;
    }
    Watched of = watched.get(run.key().id());
    if (of != null && !of.run.key().equals(run.key())) {
      gone(of, run);
      of = null;
    }
    if (of == null) {
      of = new Watched(run, soonestMillis);
      watched.put(run.key().id(), of);
      lookLater(of);
    }
    stream.of = of;
    if (last == null) {
      of.upToDate.add(stream);
      return;
    }
    if (last.incarnation().equals(run.key().incarnation().toString())) {
      stream.position = last.position();
    } else {
      stream.tell(EventText.deleted(run.key().incarnation()));
    }
    of.behind.add(stream);
    catchUp(of, stream);
  }

  private void leave(RunId id, Stream stream) {
    Watched of = watched.get(id);
    if (of != null) {
      of.upToDate.remove(stream);
      of.behind.remove(stream);
      if (of.upToDate.isEmpty() && of.behind.isEmpty()) {
        watched.remove(id);
      }
    }
  }

  private boolean isWatched(Watched of) {
    return watched.get(of.run.key().id()) == of;
  }

  private void lookLater(Watched of) {
    try {
      var _ = thread.schedule(() -> look(of), of.pauseMillis, TimeUnit.MILLISECONDS);
    } catch (RejectedExecutionException e) {
      // Stopping.
    }
  }

  /** Looks whether the run has come further. */
  private void look(Watched of) {
    if (!isWatched(of) || of.asking) {
      return;
    }
    of.asking = true;
    var _ =
        runs.describe(of.run.key().id(), 0)
            .whenComplete((outcome, failure) -> execute(() -> described(of, outcome)));
  }

  private void described(Watched of, @Nullable Outcome<RunDescription> outcome) {
    switch (outcome) {
      case Outcome.Done<RunDescription> done when !done.value().key().equals(of.run.key()) ->
          gone(of, done.value());
      case Outcome.Done<RunDescription> done
          when done.value().sequence() > of.position.sequence() -> {
        of.sequence = done.value().sequence();
        ask(of, of.position, looked -> found(of, looked), () -> later(of));
      }
      case Outcome.Refused<RunDescription> refused when refused.refusal() == Refusal.UNKNOWN_RUN ->
          gone(of, null);
      case null, default -> later(of);
    }
    List.copyOf(of.behind).forEach(stream -> catchUp(of, stream));
  }

  private void later(Watched of) {
    of.asking = false;
    of.pauseMillis = Math.clamp(2 * of.pauseMillis, soonestMillis, latestMillis);
    lookLater(of);
  }

  /** What is done with events that were found. */
  private interface Taker {
    void take(Looked<List<HistoryEvent>> looked);
  }

  private void ask(Watched of, Position after, Taker taker, Runnable otherwise) {
    var _ =
        models
            .ask(of.run.key(), of.sequence, new EventsQuery(of.run.key(), after, CHUNK_STEPS))
            .whenComplete(
                (outcome, failure) ->
                    execute(
                        () -> {
                          if (outcome instanceof Outcome.Done<Looked<List<HistoryEvent>>> done) {
                            taker.take(done.value());
                          } else {
                            otherwise.run();
                          }
                        }));
  }

  private void found(Watched of, Looked<List<HistoryEvent>> looked) {
    List<HistoryEvent> events = looked.found();
    if (events.isEmpty()) {
      // Entries of which nothing is told; those that are not in the rows yet may be others.
      of.position = later(of.position, Position.after(looked.sequence()));
      later(of);
      return;
    }
    byte[] text = EventText.of(of.run.key().incarnation(), events);
    of.position = events.getLast().position();
    List.copyOf(of.upToDate).forEach(stream -> stream.tell(text));
    of.asking = false;
    of.pauseMillis = events.size() < CHUNK_STEPS ? soonestMillis : 0;
    lookLater(of);
  }

  private static Position later(Position a, Position b) {
    return a.compareTo(b) >= 0 ? a : b;
  }

  /** Tells a stream what happened before, when it has read what it was told. */
  private void catchUp(Watched of, Stream stream) {
    if (stream.asking || !stream.ready() || !of.behind.contains(stream)) {
      return;
    }
    stream.asking = true;
    ask(
        of,
        stream.position,
        looked -> {
          stream.asking = false;
          List<HistoryEvent> events = looked.found();
          if (!of.behind.contains(stream)) {
            return;
          }
          if (!events.isEmpty()) {
            stream.tell(EventText.of(of.run.key().incarnation(), events));
            stream.position = events.getLast().position();
          } else {
            stream.position = later(stream.position, Position.after(looked.sequence()));
          }
          if (stream.position.compareTo(of.position) >= 0) {
            of.behind.remove(stream);
            of.upToDate.add(stream);
          } else if (!events.isEmpty()) {
            catchUp(of, stream);
          }
        },
        () -> stream.asking = false);
  }

  /** The run is there no more: its streams end. */
  private void gone(Watched of, @Nullable RunDescription next) {
    watched.remove(of.run.key().id());
    byte[] text = EventText.deleted(next == null ? null : next.key().incarnation());
    for (Stream stream : of.all()) {
      stream.tell(text);
      stream.end();
    }
  }

  private void beat() {
    for (Watched of : List.copyOf(watched.values())) {
      of.all().forEach(stream -> stream.tell(EventText.HEARTBEAT));
    }
  }

  /** Ends all streams, so that nobody waits for them. Blocking, not for long. */
  @Override
  public void close() {
    if (closed) {
      return;
    }
    closed = true;
    try {
      thread
          .submit(
              () -> {
                for (Watched of : List.copyOf(watched.values())) {
                  of.all().forEach(stream -> stream.end());
                }
              })
          .get(STOP_SECONDS, TimeUnit.SECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } catch (ExecutionException | TimeoutException e) {
      LOG.warn("Event streams did not end in time", e);
    }
    thread.shutdown();
  }
}
