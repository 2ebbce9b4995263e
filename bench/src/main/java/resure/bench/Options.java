package resure.bench;

import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** {@code --name=value} arguments over a command's defaults, which name all that it knows. */
final class Options {

  private final Map<String, String> values;

  private Options(Map<String, String> values) {
    this.values = values;
  }

  /** Refuses an argument that is not of this form or that no default names. */
  static Options parse(List<String> arguments, Map<String, String> defaults) {
    Map<String, String> values = new TreeMap<>(defaults);
    for (String argument : arguments) {
      int equals = argument.indexOf('=');
      String name = argument.startsWith("--") && equals > 0 ? argument.substring(2, equals) : "";
      if (!defaults.containsKey(name)) {
        throw new IllegalArgumentException(
            "unknown option " + argument + ", known with these defaults: " + known(defaults));
      }
      values.put(name, argument.substring(equals + 1));
    }
    return new Options(values);
  }

  private static String known(Map<String, String> defaults) {
    return new TreeMap<>(defaults)
        .entrySet().stream()
            .map(option -> "--" + option.getKey() + "=" + option.getValue())
            .collect(Collectors.joining(" "));
  }

  String text(String name) {
    String value = values.get(name);
    if (value == null) {
      throw new IllegalArgumentException("no default for " + name);
    }
    return value;
  }

  int number(String name) {
    return Integer.parseInt(text(name));
  }

  boolean on(String name) {
    return Boolean.parseBoolean(text(name));
  }

  /** Comma-separated values. */
  List<String> list(String name) {
    return Stream.of(text(name).split(",", -1)).filter(value -> !value.isBlank()).toList();
  }

  /** All options as given and defaulted, for the head of a report. */
  @Override
  public String toString() {
    return known(values);
  }
}
