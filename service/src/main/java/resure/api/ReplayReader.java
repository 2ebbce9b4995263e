package resure.api;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import resure.replay.Bad;
import resure.replay.Measure;
import resure.replay.RankBy;
import resure.replay.ReplayPlan;
import resure.replay.Replays;
import resure.run.RunRecord;
import resure.weighting.Configuration;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;

/** Reads the body that asks for a replay. */
final class ReplayReader {

  private static final int MAX_ID = 256;
  private static final int MAX_RANK_BY = 16;
  private static final long LARGEST_TURN = (1L << 53) - 1;
  private static final double LARGEST_WHOLE = 1L << 53;
  private static final double WHOLE_WITHIN = 1e-13;
  private static final JsonMapper JSON = JsonMapper.builder().build();

  private final RunRecord run;

  private ReplayReader(RunRecord run) {
    this.run = run;
  }

  /** The plan of a body, for a run. */
  static ReplayPlan read(JsonNode body, RunRecord run) {
    return new ReplayReader(run).plan(body);
  }

  private ReplayPlan plan(JsonNode body) {
    Json.requireFields(body, "", List.of("configurations", "grid", "labels", "rankBy"));
    if (body.has("configurations") == body.has("grid")) {
      throw ProblemException.invalid("", "Send either configurations or a grid.");
    }
    List<Configuration> configurations =
        body.has("grid") ? grid(body.get("grid")) : configurations(body.get("configurations"));
    long sums = run.sums(configurations);
    if (sums > Replays.SUMS) {
      throw ProblemException.invalid(
          body.has("grid") ? "/grid" : "/configurations",
          "%d configurations with up to %d turns and sources each are %d lines of results; %d can be kept. Ask for fewer at once."
              .formatted(configurations.size(), sums / configurations.size(), sums, Replays.SUMS));
    }
    JsonNode labels = body.path("labels");
    boolean labelled = !labels.isMissingNode();
    return new ReplayPlan(
        configurations, labelled ? bad(labels) : List.of(), labelled, rankBy(body, labelled));
  }

  private List<Configuration> configurations(JsonNode json) {
    requireArray(json, "/configurations", 1, Replays.CONFIGURATIONS);
    List<Configuration> configurations = new ArrayList<>(json.size());
    for (int i = 0; i < json.size(); i++) {
      configurations.add(
          SettingsReader.configuration(run.configuration(), "/configurations/" + i, json.get(i)));
    }
    return configurations;
  }

  private static void requireArray(JsonNode json, String at, int least, int most) {
    if (!json.isArray() || json.size() < least || json.size() > most) {
      throw ProblemException.invalid(
          at,
          "must be an array of %d to %d elements%s."
              .formatted(least, most, json.isArray() ? ", not " + json.size() : ""));
    }
  }

  /** One field of a grid with its values, and where in the body each is. */
  private record Axis(String path, List<JsonNode> values, List<String> pointers) {}

  private List<Configuration> grid(JsonNode grid) {
    if (!grid.isObject() || grid.isEmpty()) {
      throw ProblemException.invalid("/grid", "must be an object with at least one field.");
    }
    List<Axis> axes = new ArrayList<>();
    double points = 1;
    for (Map.Entry<String, JsonNode> field : grid.properties()) {
      Axis axis = axis(field.getKey(), field.getValue());
      axes.add(axis);
      points *= axis.values.size();
    }
    if (points > Replays.CONFIGURATIONS) {
      throw ProblemException.invalid(
          "/grid",
          "has %.0f points; at most %d can be tried at once."
              .formatted(points, Replays.CONFIGURATIONS));
    }
    List<Configuration> product = List.of(run.configuration());
    for (Axis axis : axes) {
      List<Configuration> longer = new ArrayList<>(product.size() * axis.values.size());
      for (Configuration point : product) {
        for (int i = 0; i < axis.values.size(); i++) {
          longer.add(
              SettingsReader.configuration(
                  point, axis.path, axis.pointers.get(i), axis.values.get(i)));
        }
      }
      product = longer;
    }
    return product;
  }

  private Axis axis(String path, JsonNode json) {
    String at = "/grid/" + Text.pointerToken(path);
    List<JsonNode> values = new ArrayList<>();
    List<String> pointers = new ArrayList<>();
    if (json.isArray()) {
      requireArray(json, at, 1, Replays.CONFIGURATIONS);
      for (int i = 0; i < json.size(); i++) {
        values.add(json.get(i));
        pointers.add(at + "/" + i);
      }
    } else if (json.isObject()) {
      values.addAll(range(at, json));
      values.forEach(value -> pointers.add(at));
    } else {
      throw ProblemException.invalid(
          at, "must be an array of values, or an object with from, to and points.");
    }
    // Each by itself, so that what is wrong is found before anything is multiplied.
    for (int i = 0; i < values.size(); i++) {
      SettingsReader.configuration(run.configuration(), path, pointers.get(i), values.get(i));
    }
    return new Axis(path, values, pointers);
  }

  private static List<JsonNode> range(String at, JsonNode json) {
    Json.requireFields(json, at, List.of("from", "to", "points", "scale"));
    double from = finite(json, at, "from");
    double to = finite(json, at, "to");
    JsonNode count = json.path("points");
    if (!count.isIntegralNumber()
        || !count.canConvertToInt()
        || count.intValue() < 2
        || count.intValue() > Replays.CONFIGURATIONS) {
      throw ProblemException.invalid(
          at + "/points", "must be a whole number from 2 to " + Replays.CONFIGURATIONS + ".");
    }
    JsonNode scale = json.path("scale");
    boolean log = scale.isString() && scale.stringValue().equals("log");
    if (!scale.isMissingNode()
        && !log
        && !(scale.isString() && scale.stringValue().equals("linear"))) {
      throw ProblemException.invalid(at + "/scale", "must be linear or log.");
    }
    if (log && (from <= 0 || to <= 0)) {
      throw ProblemException.invalid(
          at + (from <= 0 ? "/from" : "/to"), "must be above 0 on a logarithmic scale.");
    }
    int points = count.intValue();
    List<JsonNode> values = new ArrayList<>(points);
    for (int i = 0; i < points; i++) {
      values.add(number(point(from, to, log, i, points - 1)));
    }
    return values;
  }

  /** The ends exactly, the others between them evenly spaced, by ratio on a logarithmic scale. */
  private static double point(double from, double to, boolean log, int i, int last) {
    if (i == 0 || i == last) {
      return i == 0 ? from : to;
    }
    double share = (double) i / last;
    double point = log ? from * StrictMath.pow(to / from, share) : from * (1 - share) + to * share;
    // Meant to be whole, but for the last bits.
    double whole = StrictMath.rint(point);
    return Math.abs(point - whole) <= WHOLE_WITHIN * Math.max(1, Math.abs(point)) ? whole : point;
  }

  /** A whole one as such: some fields take no other. */
  private static JsonNode number(double value) {
    return value == StrictMath.rint(value) && Math.abs(value) < LARGEST_WHOLE
        ? JSON.getNodeFactory().numberNode((long) value)
        : JSON.getNodeFactory().numberNode(value);
  }

  private static double finite(JsonNode object, String at, String name) {
    JsonNode json = object.path(name);
    // Not doubleValue(), which throws for a whole number beyond the range of a double.
    double value = json.isNumber() ? Double.parseDouble(json.asString()) : Double.NaN;
    if (!Double.isFinite(value)) {
      throw ProblemException.invalid(at + "/" + name, "must be a finite number.");
    }
    return value;
  }

  private static List<Bad> bad(JsonNode labels) {
    Json.requireFields(labels, "/labels", List.of("bad"));
    JsonNode json = labels.path("bad");
    requireArray(json, "/labels/bad", 1, Integer.MAX_VALUE);
    List<Bad> bad = new ArrayList<>(json.size());
    for (JsonNode label : (ArrayNode) json) {
      bad.add(bad("/labels/bad/" + bad.size(), label));
    }
    return bad;
  }

  private static Bad bad(String at, JsonNode label) {
    Json.requireFields(label, at, List.of("dialogue", "turn"));
    JsonNode dialogue = label.path("dialogue");
    if (!dialogue.isString()
        || dialogue.stringValue().isEmpty()
        || !Text.valid(dialogue.stringValue(), MAX_ID)) {
      throw ProblemException.invalid(
          at + "/dialogue", "must be text of 1 to " + MAX_ID + " code points without U+0000.");
    }
    JsonNode turn = label.path("turn");
    if (turn.isMissingNode()) {
      return new Bad(dialogue.stringValue(), null);
    }
    if (!turn.isIntegralNumber()
        || !turn.canConvertToLong()
        || turn.longValue() < 0
        || turn.longValue() > LARGEST_TURN) {
      throw ProblemException.invalid(
          at + "/turn", "must be a whole number from 0 to " + LARGEST_TURN + ".");
    }
    return new Bad(dialogue.stringValue(), turn.longValue());
  }

  private static List<RankBy> rankBy(JsonNode body, boolean labelled) {
    if (!body.has("rankBy")) {
      return List.of();
    }
    JsonNode json = body.get("rankBy");
    requireArray(json, "/rankBy", 1, MAX_RANK_BY);
    List<RankBy> rankBy = new ArrayList<>();
    for (JsonNode element : (ArrayNode) json) {
      rankBy.add(rankBy("/rankBy/" + rankBy.size(), element, labelled));
    }
    return rankBy;
  }

  private static RankBy rankBy(String at, JsonNode element, boolean labelled) {
    Json.requireFields(element, at, List.of("measure", "atLeast", "atMost"));
    JsonNode name = element.path("measure");
    Measure measure = name.isString() ? Measure.ofLabel(name.stringValue()) : null;
    if (measure == null) {
      throw ProblemException.invalid(
          at + "/measure",
          "must be one of "
              + String.join(", ", Arrays.stream(Measure.values()).map(Measure::label).toList())
              + ".");
    }
    if (measure.needsLabels() && !labelled) {
      throw ProblemException.invalid(
          at + "/measure", measure.label() + " needs labels of what is bad.");
    }
    Double atLeast = bound(element, at, "atLeast");
    Double atMost = bound(element, at, "atMost");
    if (atLeast != null && atMost != null && atLeast > atMost) {
      throw ProblemException.invalid(at + "/atLeast", "must not be above atMost.");
    }
    return new RankBy(measure, atLeast, atMost);
  }

  private static @Nullable Double bound(JsonNode element, String at, String name) {
    return element.has(name) ? finite(element, at, name) : null;
  }
}
