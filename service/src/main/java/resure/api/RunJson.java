package resure.api;

import java.time.Instant;
import java.time.format.DateTimeFormatter;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import resure.compute.ComputeStatus;
import resure.drift.TurnDrift;
import resure.observation.StartFrom;
import resure.run.RunDescription;
import resure.run.RunPage;
import resure.run.RunSettings;
import resure.run.RunStatistics;
import resure.run.Totals;
import resure.run.TurnStatistics;
import resure.run.WeightSums;
import resure.run.WholeFrom;
import resure.statistics.Moments;
import resure.statistics.MomentsTable;
import resure.weighting.Configuration;
import tools.jackson.core.JsonGenerator;

/** How runs, pages of runs, statistics and what computes are written. */
final class RunJson {

  private RunJson() {}

  static Consumer<JsonGenerator> run(RunDescription run) {
    return json -> write(json, run);
  }

  static Consumer<JsonGenerator> compute(ComputeStatus status) {
    return json -> {
      json.writeStartObject();
      json.writeStringProperty("backend", status.backend());
      json.writeStringProperty("device", status.device());
      json.writeStringProperty("library", status.library());
      json.writeNumberProperty("deviceFailures", status.deviceFailures());
      json.writeEndObject();
    };
  }

  static Consumer<JsonGenerator> page(RunPage page) {
    return json -> {
      json.writeStartObject();
      json.writeArrayPropertyStart("runs");
      page.runs().forEach(run -> write(json, run));
      json.writeEndArray();
      text(json, "next", page.next() == null ? null : Cursor.of(page.next()));
      json.writeEndObject();
    };
  }

  private static void write(JsonGenerator json, RunDescription run) {
    json.writeStartObject();
    json.writeStringProperty("run", run.key().id().name());
    json.writeStringProperty("state", run.active() ? "active" : "finished");
    text(json, "attempt", run.attempt());
    step(json, run.step());
    json.writeNumberProperty("sequence", run.sequence());
    json.writeNumberProperty("lateBatches", run.lateBatches());
    time(json, "createdAt", run.createdAt());
    time(json, "lastBatchAt", run.lastBatchAt());
    time(json, "finishedAt", run.finishedAt());
    write(json, run.wholeFrom());
    json.writeName("configuration");
    write(json, run.settings());
    json.writeEndObject();
  }

  private static void write(JsonGenerator json, RunSettings settings) {
    json.writeStartObject();
    fields(json, settings.configuration());
    json.writeObjectPropertyStart("labels");
    new TreeMap<>(settings.labels()).forEach(json::writeStringProperty);
    json.writeEndObject();
    write(json, settings.startFrom());
    json.writeObjectPropertyStart("retention");
    if (settings.retention().keepsAll()) {
      json.writeStringProperty("observations", "all");
    } else {
      json.writeObjectPropertyStart("observations");
      json.writeNumberProperty("steps", settings.retention().steps());
      json.writeEndObject();
    }
    json.writeEndObject();
    json.writeEndObject();
  }

  static void write(JsonGenerator json, WholeFrom wholeFrom) {
    json.writeName("wholeFrom");
    if (!wholeFrom.trimmed()) {
      json.writeNull();
      return;
    }
    json.writeStartObject();
    step(json, wholeFrom.step() < 0 ? null : wholeFrom.step());
    json.writeNumberProperty("sequence", wholeFrom.sequence());
    json.writeEndObject();
  }

  /** The fields of a configuration, all of them. */
  static void fields(JsonGenerator json, Configuration configuration) {
    json.writeObjectPropertyStart("weighting");
    json.writeStringProperty("function", configuration.weighting().function().label());
    json.writeNumberProperty("threshold", configuration.weighting().threshold());
    json.writeNumberProperty("sharpness", configuration.weighting().sharpness());
    json.writeNumberProperty("floor", configuration.weighting().floor());
    json.writeEndObject();
    json.writeNumberProperty("warmUp", configuration.warmUp());
    json.writeNumberProperty("maxTurns", configuration.maxTurns());
    json.writeNumberProperty("maxLoss", configuration.maxLoss());
    Json.number(json, "halfLife", configuration.halfLife());
    json.writeNumberProperty("lag", configuration.lag());
    json.writeStringProperty("fold", configuration.fold().label());
    json.writeObjectPropertyStart("propagation");
    json.writeNumberProperty("strength", configuration.propagation().strength());
    json.writeNumberProperty("decay", configuration.propagation().decay());
    json.writeEndObject();
    json.writeStringProperty("normalization", configuration.normalization().label());
    json.writeBooleanProperty("shadow", configuration.shadow());
  }

  private static void write(JsonGenerator json, @Nullable StartFrom startFrom) {
    json.writeName("startFrom");
    if (startFrom == null) {
      json.writeNull();
      return;
    }
    json.writeStartObject();
    json.writeStringProperty("run", startFrom.run());
    step(json, startFrom.step());
    Json.number(json, "observations", startFrom.observations());
    json.writeEndObject();
  }

  static Consumer<JsonGenerator> statistics(RunStatistics statistics) {
    return json -> {
      Totals totals = statistics.totals();
      json.writeStartObject();
      json.writeStringProperty("run", statistics.run().key().id().name());
      step(json, statistics.run().step());
      json.writeNumberProperty("sequence", statistics.run().sequence());
      json.writeNumberProperty("observations", totals.all().observations());
      json.writeNumberProperty("lateBatches", statistics.run().lateBatches());
      weights(json, totals.all());
      json.writeNumberProperty("unusable", totals.all().unusable());
      json.writeNumberProperty("downWeighted", totals.all().downWeighted());
      json.writeArrayPropertyStart("turns");
      turns(json, statistics.turns(), totals.slots(), statistics.drift());
      json.writeEndArray();
      json.writeArrayPropertyStart("sources");
      for (Map.Entry<@Nullable String, WeightSums> source : totals.sources().entrySet()) {
        source(json, source.getKey(), source.getValue(), false);
      }
      if (totals.others().observations() > 0) {
        source(json, null, totals.others(), true);
      }
      json.writeEndArray();
      json.writeObjectPropertyStart("reference");
      step(json, statistics.run().step());
      json.writeNumberProperty("runMeanWeight", statistics.referenceRunMean());
      json.writeArrayPropertyStart("turns");
      MomentsTable reference = statistics.reference();
      for (int slot = 0; slot < reference.slots(); slot++) {
        Moments moments = reference.moments(slot);
        if (moments.seen() > 0) {
          json.writeStartObject();
          moments(json, slot, moments);
          Json.number(json, "m2", moments.m2());
          json.writeEndObject();
        }
      }
      json.writeEndArray();
      json.writeEndObject();
      json.writeEndObject();
    };
  }

  /** Statistics that go with a batch's answer; {@code null} for none. */
  static Consumer<JsonGenerator> turnStatistics(@Nullable TurnStatistics statistics) {
    return json -> {
      if (statistics == null) {
        json.writeNull();
        return;
      }
      json.writeStartObject();
      json.writeNumberProperty("sequence", statistics.sequence());
      json.writeArrayPropertyStart("turns");
      turns(json, statistics.turns(), statistics.sums(), statistics.drift());
      json.writeEndArray();
      json.writeEndObject();
    };
  }

  private static void turns(
      JsonGenerator json, MomentsTable turns, List<WeightSums> sums, List<TurnDrift> drift) {
    for (int slot = 0; slot < Math.max(turns.slots(), sums.size()); slot++) {
      // A turn that another run's statistics began with may never come in this one.
      WeightSums weights = slot < sums.size() ? sums.get(slot) : new WeightSums();
      Moments moments = turns.moments(slot);
      if (weights.observations() == 0 && moments.seen() == 0) {
        continue;
      }
      json.writeStartObject();
      moments(json, slot, moments);
      Json.number(json, "standardDeviation", moments.sd());
      Json.number(json, "m2", moments.m2());
      weights(json, weights);
      json.writeNumberProperty("unusable", weights.unusable());
      json.writeNumberProperty("downWeighted", weights.downWeighted());
      drift(json, slot < drift.size() ? drift.get(slot) : TurnDrift.NONE);
      json.writeEndObject();
    }
  }

  private static void drift(JsonGenerator json, TurnDrift drift) {
    Json.number(json, "slowMean", drift.slowMean());
    Json.number(json, "slowStandardDeviation", drift.slowSd());
    Json.number(json, "drift", drift.drift());
    json.writeBooleanProperty("warning", drift.warning());
    json.writeNumberProperty("warnings", drift.warnings());
    json.writeNumberProperty("alarms", drift.alarms());
    json.writeName("lastAlarmStep");
    if (drift.lastAlarmStep() == TurnDrift.NO_STEP) {
      json.writeNull();
    } else {
      json.writeNumber(drift.lastAlarmStep());
    }
  }

  private static void moments(JsonGenerator json, int slot, Moments moments) {
    json.writeNumberProperty("turn", slot);
    Json.number(json, "count", moments.n());
    json.writeNumberProperty("seen", moments.seen());
    Json.number(json, "mean", moments.seen() == 0 ? Double.NaN : moments.mean());
  }

  private static void weights(JsonGenerator json, WeightSums weights) {
    Json.number(json, "meanWeight", weights.mean());
    Json.number(json, "effectiveSampleRatio", weights.effectiveSampleRatio());
  }

  private static void source(
      JsonGenerator json, @Nullable String source, WeightSums weights, boolean others) {
    json.writeStartObject();
    text(json, "source", source);
    json.writeNumberProperty("observations", weights.observations());
    weights(json, weights);
    if (others) {
      json.writeBooleanProperty("other", true);
    }
    json.writeEndObject();
  }

  private static void step(JsonGenerator json, @Nullable Long step) {
    json.writeName("step");
    if (step == null) {
      json.writeNull();
    } else {
      json.writeNumber(step);
    }
  }

  static void text(JsonGenerator json, String name, @Nullable String text) {
    json.writeName(name);
    if (text == null) {
      json.writeNull();
    } else {
      json.writeString(text);
    }
  }

  static void time(JsonGenerator json, String name, @Nullable Instant time) {
    text(json, name, time == null ? null : DateTimeFormatter.ISO_INSTANT.format(time));
  }
}
