package resure;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.springframework.boot.context.properties.source.ConfigurationPropertySources;
import org.springframework.core.env.StandardEnvironment;
import org.springframework.core.env.SystemEnvironmentPropertySource;
import resure.deploy.Chart;
import resure.deploy.ChartValues;

/** The service understands what the Helm chart sets. */
class ChartEnvironmentTest {

  static Stream<Arguments> values() {
    return ChartValues.all().entrySet().stream().map(e -> Arguments.of(e.getKey(), e.getValue()));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("values")
  void everyVariableIsAPropertyOfTheServiceAndValid(String name, String values) {
    Map<String, Object> variables =
        new LinkedHashMap<>(Chart.environment(Chart.pod(Chart.render(values))));
    StandardEnvironment environment = new StandardEnvironment();
    environment
        .getPropertySources()
        .forEach(s -> environment.getPropertySources().remove(s.getName()));
    environment
        .getPropertySources()
        .addLast(
            new SystemEnvironmentPropertySource(
                StandardEnvironment.SYSTEM_ENVIRONMENT_PROPERTY_SOURCE_NAME, variables));
    ConfigurationPropertySources.attach(environment);

    assertThatCode(() -> ResureProperties.read(environment)).as(name).doesNotThrowAnyException();
  }

  /** What other values of the chart decide. */
  private static final List<String> DECIDED =
      List.of(
          "resure.access.",
          "resure.backup.",
          "resure.compute.",
          "resure.journal.store",
          "resure.state.directory");

  @Test
  void everyOtherPropertyCanBeSetByItsName() {
    TreeSet<String> expected = new TreeSet<>();
    for (ResureProperties.Property<?> property : ResureProperties.ALL) {
      if (DECIDED.stream().noneMatch(property.name()::startsWith)) {
        expected.add(property.name());
      }
    }
    TreeSet<String> settable =
        new TreeSet<>(Chart.schema().at("/properties/properties/properties").propertyNames());

    assertThat(settable).isEqualTo(expected);
  }
}
