package resure.api;

import java.util.BitSet;
import java.util.List;
import java.util.function.Consumer;
import java.util.function.ToDoubleFunction;
import java.util.function.ToLongFunction;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;
import resure.projection.HistoryBucket;
import resure.projection.HistoryMark;
import resure.projection.HistoryQuery;
import resure.projection.HistoryView;
import resure.projection.Looked;
import resure.projection.ReadModels;
import resure.run.RunDescription;
import resure.run.Runs;
import tools.jackson.core.JsonGenerator;

/** The history of a run, in columns. */
final class HistoryHandler {

  private static final int FEWEST_POINTS = 10;
  private static final int MOST_POINTS = 2000;
  private static final int DEFAULT_POINTS = 500;

  private final Runs runs;
  private final ReadModels models;

  HistoryHandler(Runs runs, ReadModels models) {
    this.runs = runs;
    this.models = models;
  }

  Mono<Void> find(Exchange exchange) {
    exchange.allowQuery("points", "turn", "fromStep", "toStep", RunHandler.AT_LEAST_SEQUENCE);
    exchange.offer();
    int points = points(exchange.wholeQuery("points"));
    Long fromStep = exchange.wholeQuery("fromStep");
    Long toStep = exchange.wholeQuery("toStep");
    BitSet turns = turns(exchange.queries("turn"));
    return exchange
        .await(runs.describe(RunHandler.runId(exchange), RunHandler.atLeastSequence(exchange)))
        .flatMap(
            run ->
                exchange
                    .await(
                        models.ask(
                            run.key(),
                            run.sequence(),
                            new HistoryQuery(
                                run.key(),
                                points,
                                fromStep == null ? 0 : fromStep,
                                toStep == null ? Long.MAX_VALUE : toStep)))
                    .flatMap(looked -> exchange.answer(200, history(run, looked, turns))));
  }

  private static int points(@Nullable Long points) {
    if (points == null) {
      return DEFAULT_POINTS;
    }
    if (points < FEWEST_POINTS || points > MOST_POINTS) {
      throw ProblemException.parameter(
          "points", "must be a whole number from " + FEWEST_POINTS + " to " + MOST_POINTS + ".");
    }
    return points.intValue();
  }

  /** Slots that are asked for; empty for all. */
  private static BitSet turns(List<String> texts) {
    BitSet turns = new BitSet();
    for (String text : texts) {
      long turn = Exchange.whole("turn", text);
      if (turn > HistoryBucket.LAST_SLOT) {
        throw ProblemException.parameter(
            "turn", "must be a whole number from 0 to " + HistoryBucket.LAST_SLOT + ".");
      }
      turns.set((int) turn);
    }
    return turns;
  }

  private static Consumer<JsonGenerator> history(
      RunDescription run, Looked<HistoryView> looked, BitSet turns) {
    List<HistoryBucket> buckets = looked.found().buckets();
    return json -> {
      json.writeStartObject();
      json.writeStringProperty("run", run.key().id().name());
      json.writeNumberProperty("sequence", looked.sequence());
      Json.number(json, "progress", looked.progress());
      counts(json, "fromSteps", buckets, HistoryBucket::fromStep);
      counts(json, "toSteps", buckets, HistoryBucket::toStep);
      json.writeArrayPropertyStart("turns");
      int slots = buckets.stream().mapToInt(HistoryBucket::slots).max().orElse(0);
      for (int slot = 0; slot < slots; slot++) {
        int turn = slot;
        if ((turns.isEmpty() || turns.get(turn))
            && buckets.stream().anyMatch(bucket -> bucket.observations(turn) > 0)) {
          turn(json, buckets, turn);
        }
      }
      json.writeEndArray();
      json.writeArrayPropertyStart("marks");
      for (HistoryMark mark : looked.found().marks()) {
        if (!mark.kind().ofTurn() || turns.isEmpty() || turns.get(mark.slot())) {
          write(json, mark);
        }
      }
      json.writeEndArray();
      json.writeEndObject();
    };
  }

  private static void turn(JsonGenerator json, List<HistoryBucket> buckets, int turn) {
    json.writeStartObject();
    json.writeNumberProperty("turn", turn);
    counts(json, "observations", buckets, bucket -> bucket.observations(turn));
    numbers(json, "loss", buckets, bucket -> bucket.loss(turn));
    numbers(json, "lossMin", buckets, bucket -> bucket.lossMin(turn));
    numbers(json, "lossMax", buckets, bucket -> bucket.lossMax(turn));
    numbers(json, "mean", buckets, bucket -> bucket.mean(turn));
    numbers(json, "standardDeviation", buckets, bucket -> bucket.sd(turn));
    numbers(json, "weight", buckets, bucket -> bucket.weight(turn));
    numbers(json, "weightMin", buckets, bucket -> bucket.weightMin(turn));
    numbers(json, "effectiveSampleRatio", buckets, bucket -> bucket.effectiveSampleRatio(turn));
    numbers(json, "drift", buckets, bucket -> bucket.drift(turn));
    numbers(json, "driftMax", buckets, bucket -> bucket.driftMax(turn));
    json.writeEndObject();
  }

  private static void counts(
      JsonGenerator json,
      String name,
      List<HistoryBucket> buckets,
      ToLongFunction<HistoryBucket> of) {
    json.writeArrayPropertyStart(name);
    for (HistoryBucket bucket : buckets) {
      json.writeNumber(of.applyAsLong(bucket));
    }
    json.writeEndArray();
  }

  private static void numbers(
      JsonGenerator json,
      String name,
      List<HistoryBucket> buckets,
      ToDoubleFunction<HistoryBucket> of) {
    json.writeArrayPropertyStart(name);
    for (HistoryBucket bucket : buckets) {
      Json.rounded(json, of.applyAsDouble(bucket));
    }
    json.writeEndArray();
  }

  private static void write(JsonGenerator json, HistoryMark mark) {
    json.writeStartObject();
    json.writeStringProperty("kind", label(mark.kind()));
    json.writeNumberProperty("sequence", mark.sequence());
    json.writeNumberProperty("step", mark.step());
    json.writeName("turn");
    if (mark.kind().ofTurn()) {
      json.writeNumber(mark.slot());
    } else {
      json.writeNull();
    }
    json.writeEndObject();
  }

  static String label(HistoryMark.Kind kind) {
    return switch (kind) {
      case WARNING -> "warning";
      case ALARM -> "alarm";
      case REWOUND -> "rewound";
      case FINISHED -> "finished";
    };
  }
}
