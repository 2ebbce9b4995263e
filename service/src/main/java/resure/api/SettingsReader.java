package resure.api;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.BiFunction;
import java.util.function.Function;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import resure.observation.Retention;
import resure.observation.RunId;
import resure.observation.StartFrom;
import resure.run.RunSettings;
import resure.run.WantedSettings;
import resure.weighting.Configuration;
import resure.weighting.FoldRule;
import resure.weighting.InvalidConfigurationException;
import resure.weighting.Normalization;
import resure.weighting.WeightFunction;
import tools.jackson.databind.JsonNode;

/**
 * Reads the body of a create: which fields were sent, and their values. Each field is set on the
 * defaults when it is read, so that the configuration's own checks find what is out of range.
 */
final class SettingsReader {

  private static final int MAX_LABELS = 32;
  private static final int MAX_LABEL_VALUE = 256;
  private static final List<String> START_FROM = List.of("run", "step", "observations");
  static final Pattern LABEL = Pattern.compile("[A-Za-z0-9][A-Za-z0-9._-]{0,62}");

  /** One field of the settings: where it is, how it is set, and what it is now. */
  private record Field(
      String pointer, Setter setter, Function<RunSettings, @Nullable Object> value) {}

  /** Sets a field from JSON. */
  private interface Setter {
    RunSettings set(RunSettings settings, String pointer, JsonNode json);
  }

  /** Sets a number of the configuration. */
  private interface NumberSetter {
    Configuration set(Configuration configuration, double value);
  }

  /** Sets a whole number of the configuration. */
  private interface WholeSetter {
    Configuration set(Configuration configuration, int value);
  }

  private static final List<Field> FIELDS =
      List.of(
          choice(
              "/weighting/function",
              WeightFunction.ALL,
              WeightFunction::label,
              (c, function) -> c.withWeighting(c.weighting().withFunction(function)),
              c -> c.weighting().function()),
          number(
              "/weighting/threshold",
              (c, value) -> c.withWeighting(c.weighting().withThreshold(value)),
              c -> c.weighting().threshold()),
          number(
              "/weighting/sharpness",
              (c, value) -> c.withWeighting(c.weighting().withSharpness(value)),
              c -> c.weighting().sharpness()),
          number(
              "/weighting/floor",
              (c, value) -> c.withWeighting(c.weighting().withFloor(value)),
              c -> c.weighting().floor()),
          whole("/warmUp", Configuration::withWarmUp, Configuration::warmUp),
          whole("/maxTurns", Configuration::withMaxTurns, Configuration::maxTurns),
          number("/maxLoss", Configuration::withMaxLoss, Configuration::maxLoss),
          new Field(
              "/halfLife",
              (settings, pointer, json) ->
                  with(
                      settings,
                      settings
                          .configuration()
                          .withHalfLife(
                              json.isNull() ? Double.POSITIVE_INFINITY : finite(pointer, json))),
              settings -> settings.configuration().halfLife()),
          whole("/lag", Configuration::withLag, Configuration::lag),
          choice(
              "/fold",
              List.of(FoldRule.values()),
              FoldRule::label,
              Configuration::withFold,
              Configuration::fold),
          number(
              "/propagation/strength",
              (c, value) -> c.withPropagation(c.propagation().withStrength(value)),
              c -> c.propagation().strength()),
          number(
              "/propagation/decay",
              (c, value) -> c.withPropagation(c.propagation().withDecay(value)),
              c -> c.propagation().decay()),
          choice(
              "/normalization",
              List.of(Normalization.values()),
              Normalization::label,
              Configuration::withNormalization,
              Configuration::normalization),
          new Field(
              "/shadow",
              (settings, pointer, json) -> {
                if (!json.isBoolean()) {
                  throw ProblemException.invalid(pointer, "must be true or false.");
                }
                return with(settings, settings.configuration().withShadow(json.booleanValue()));
              },
              settings -> settings.configuration().shadow()),
          new Field(
              "/labels",
              (settings, pointer, json) -> settings.withLabels(labels(pointer, json)),
              RunSettings::labels),
          new Field(
              "/startFrom",
              (settings, pointer, json) -> settings.withStartFrom(startFrom(pointer, json)),
              RunSettings::startFrom),
          new Field(
              "/retention/observations",
              (settings, pointer, json) -> settings.withRetention(retention(pointer, json)),
              RunSettings::retention));

  /** Those that decide weights and statistics: all but what names a run or where it starts. */
  private static final List<Field> CONFIGURATION =
      FIELDS.stream()
          .filter(field -> !field.pointer.equals("/labels"))
          .filter(field -> !field.pointer.equals("/startFrom"))
          .filter(field -> !field.pointer.startsWith("/retention"))
          .toList();

  private SettingsReader() {}

  /**
   * What a create asks for; an absent body asks for nothing in particular.
   *
   * @param byDefault the retention of a run that says nothing of it
   */
  static WantedSettings read(JsonNode body, Retention byDefault) {
    if (!body.isMissingNode() && !body.isObject()) {
      throw ProblemException.invalid("", "must be an object.");
    }
    List<Field> sent = new ArrayList<>();
    RunSettings settings =
        read(FIELDS, RunSettings.DEFAULT.withRetention(byDefault), "", "", body, sent);
    List<String> pointers = sent.stream().map(Field::pointer).toList();
    if (pointers.contains("/weighting/function") && !pointers.contains("/weighting/threshold")) {
      Configuration read = settings.configuration();
      settings = with(settings, read.withWeighting(read.weighting().withUsualThreshold()));
    }
    return new Sent(settings, List.copyOf(sent));
  }

  /**
   * A configuration with the fields of an object in place of its own.
   *
   * @param at pointer to the object
   */
  static Configuration configuration(Configuration whole, String at, JsonNode object) {
    if (!object.isObject()) {
      throw ProblemException.invalid(at, "must be an object.");
    }
    return read(CONFIGURATION, settings(whole), at, "", object, new ArrayList<>()).configuration();
  }

  /**
   * A configuration with another value of one field.
   *
   * @param path of the field, with dots: {@code weighting.threshold}
   * @param at pointer to the value
   */
  static Configuration configuration(Configuration whole, String path, String at, JsonNode value) {
    Field field = path.contains("/") ? null : field(CONFIGURATION, "/" + path.replace('.', '/'));
    if (field == null) {
      throw ProblemException.invalid(
          at,
          "There is no such field; known are "
              + String.join(", ", CONFIGURATION.stream().map(SettingsReader::path).toList())
              + ".");
    }
    return set(field, settings(whole), at, value).configuration();
  }

  private static String path(Field field) {
    return field.pointer.substring(1).replace('/', '.');
  }

  private static RunSettings settings(Configuration configuration) {
    return new RunSettings(configuration, Map.of());
  }

  private static RunSettings set(Field field, RunSettings settings, String at, JsonNode value) {
    try {
      return field.setter.set(settings, at, value);
    } catch (InvalidConfigurationException e) {
      throw ProblemException.invalid(at, e.getMessage() + ".");
    }
  }

  /**
   * Sets what an object says.
   *
   * @param fields those that may be in it
   * @param base pointer to the settings
   * @param prefix pointer from there to the object
   * @param sent gets the fields that it has
   */
  private static RunSettings read(
      List<Field> fields,
      RunSettings settings,
      String base,
      String prefix,
      JsonNode object,
      List<Field> sent) {
    RunSettings read = settings;
    for (Map.Entry<String, JsonNode> property : object.properties()) {
      String name = property.getKey();
      String pointer = prefix + "/" + name;
      Field field = field(fields, pointer);
      if (field != null) {
        read = set(field, read, base + pointer, property.getValue());
        sent.add(field);
      } else if (fields.stream().anyMatch(f -> f.pointer.startsWith(pointer + "/"))) {
        if (!property.getValue().isObject()) {
          throw ProblemException.invalid(base + pointer, "must be an object.");
        }
        read = read(fields, read, base, pointer, property.getValue(), sent);
      } else {
        throw ProblemException.invalid(
            base + prefix + "/" + Text.pointerToken(name),
            "There is no such field; known are " + String.join(", ", known(fields, prefix)) + ".");
      }
    }
    return read;
  }

  private static @Nullable Field field(List<Field> fields, String pointer) {
    for (Field field : fields) {
      if (field.pointer.equals(pointer)) {
        return field;
      }
    }
    return null;
  }

  private static List<String> known(List<Field> fields, String prefix) {
    return fields.stream()
        .map(Field::pointer)
        .filter(pointer -> pointer.startsWith(prefix + "/"))
        .map(pointer -> pointer.substring(prefix.length() + 1))
        .map(rest -> rest.contains("/") ? rest.substring(0, rest.indexOf('/')) : rest)
        .distinct()
        .toList();
  }

  private static RunSettings with(RunSettings settings, Configuration configuration) {
    return settings.withConfiguration(configuration);
  }

  private static Field number(
      String pointer, NumberSetter setter, Function<Configuration, Object> value) {
    return new Field(
        pointer,
        (settings, at, json) ->
            with(settings, setter.set(settings.configuration(), finite(at, json))),
        settings -> value.apply(settings.configuration()));
  }

  private static double finite(String pointer, JsonNode json) {
    // Not doubleValue(), which throws for a whole number beyond the range of a double.
    double value = json.isNumber() ? Double.parseDouble(json.asString()) : Double.NaN;
    if (!Double.isFinite(value)) {
      throw ProblemException.invalid(pointer, "must be a finite number.");
    }
    return value;
  }

  private static Field whole(
      String pointer, WholeSetter setter, Function<Configuration, Object> value) {
    return new Field(
        pointer,
        (settings, at, json) -> {
          if (!json.isIntegralNumber() || !json.canConvertToInt()) {
            throw ProblemException.invalid(at, "must be a whole number below 2^31.");
          }
          return with(settings, setter.set(settings.configuration(), json.intValue()));
        },
        settings -> value.apply(settings.configuration()));
  }

  private static <T> Field choice(
      String pointer,
      List<T> values,
      Function<T, String> label,
      BiFunction<Configuration, T, Configuration> setter,
      Function<Configuration, Object> value) {
    return new Field(
        pointer,
        (settings, at, json) -> {
          for (T candidate : values) {
            if (json.isString() && label.apply(candidate).equals(json.stringValue())) {
              return with(settings, setter.apply(settings.configuration(), candidate));
            }
          }
          throw ProblemException.invalid(
              at, "must be one of " + String.join(", ", values.stream().map(label).toList()) + ".");
        },
        settings -> value.apply(settings.configuration()));
  }

  private static Map<String, String> labels(String pointer, JsonNode json) {
    if (!json.isObject()) {
      throw ProblemException.invalid(pointer, "must be an object of texts.");
    }
    Map<String, String> labels = new LinkedHashMap<>();
    for (Map.Entry<String, JsonNode> label : json.properties()) {
      String at = pointer + "/" + Text.pointerToken(label.getKey());
      if (!LABEL.matcher(label.getKey()).matches()) {
        throw ProblemException.invalid(
            at, "A label's name must match [A-Za-z0-9][A-Za-z0-9._-]{0,62}.");
      }
      if (!label.getValue().isString()
          || !Text.valid(label.getValue().stringValue(), MAX_LABEL_VALUE)) {
        throw ProblemException.invalid(
            at, "A label's value must be text of at most " + MAX_LABEL_VALUE + " code points.");
      }
      labels.put(label.getKey(), label.getValue().stringValue());
    }
    if (labels.size() > MAX_LABELS) {
      throw ProblemException.invalid(pointer, "A run may have " + MAX_LABELS + " labels.");
    }
    return labels;
  }

  private static Retention retention(String pointer, JsonNode json) {
    if (json.isString() && json.stringValue().equals("all")) {
      return Retention.ALL;
    }
    if (!json.isObject()) {
      throw ProblemException.invalid(pointer, "must be \"all\" or an object.");
    }
    Json.requireFields(json, pointer, List.of("steps"));
    JsonNode steps = json.path("steps");
    if (!steps.isIntegralNumber()
        || !steps.canConvertToLong()
        || steps.longValue() < 1
        || steps.longValue() > RunHandler.LARGEST_STEP) {
      throw ProblemException.invalid(
          pointer + "/steps", "must be a whole number from 1 to " + RunHandler.LARGEST_STEP + ".");
    }
    return new Retention(steps.longValue());
  }

  /** Null for none, which is also how it is shown. */
  private static @Nullable StartFrom startFrom(String pointer, JsonNode json) {
    if (json.isNull()) {
      return null;
    }
    if (!json.isObject()) {
      throw ProblemException.invalid(pointer, "must be an object, or null.");
    }
    for (String name : json.propertyNames()) {
      if (!START_FROM.contains(name)) {
        throw ProblemException.invalid(
            pointer + "/" + Text.pointerToken(name),
            "There is no such field; known are " + String.join(", ", START_FROM) + ".");
      }
    }
    JsonNode run = json.path("run");
    if (!run.isString() || !RunId.validName(run.stringValue())) {
      throw ProblemException.invalid(
          pointer + "/run",
          "must be the name of a run, which matches [A-Za-z0-9][A-Za-z0-9._~-]{0,127}.");
    }
    JsonNode step = json.path("step");
    boolean newest = step.isMissingNode() || step.isNull();
    if (!newest
        && !(step.isIntegralNumber()
            && step.canConvertToLong()
            && step.longValue() >= 0
            && step.longValue() <= RunHandler.LARGEST_STEP)) {
      throw ProblemException.invalid(
          pointer + "/step",
          "must be a whole number from 0 to " + RunHandler.LARGEST_STEP + ", or null.");
    }
    JsonNode observations = json.path("observations");
    boolean all = observations.isMissingNode() || observations.isNull();
    double most = all ? Double.POSITIVE_INFINITY : finite(pointer + "/observations", observations);
    if (most < 2) {
      throw ProblemException.invalid(pointer + "/observations", "must be at least 2, or null.");
    }
    return new StartFrom(run.stringValue(), newest ? null : step.longValue(), most);
  }

  /** The fields that were sent, with their values. */
  private record Sent(RunSettings complete, List<Field> fields) implements WantedSettings {
    @Override
    public @Nullable String conflict(RunSettings existing) {
      for (Map.Entry<String, String> label : complete.labels().entrySet()) {
        if (!label.getValue().equals(existing.labels().get(label.getKey()))) {
          return "/labels/" + label.getKey();
        }
      }
      for (Field field : fields) {
        if (!field.pointer.equals("/labels")
            && !Objects.equals(field.value.apply(complete), field.value.apply(existing))) {
          return field.pointer;
        }
      }
      return null;
    }
  }
}
