package resure;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;

import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.springframework.boot.context.properties.source.ConfigurationPropertySources;
import org.springframework.core.env.StandardEnvironment;
import org.springframework.core.env.SystemEnvironmentPropertySource;
import resure.deploy.ComposeFile;

/** The service understands what {@code docker-compose.yml} sets. */
class ComposeEnvironmentTest {

  static Stream<Map.Entry<String, Map<String, Object>>> ours() {
    return ComposeFile.read().environments().entrySet().stream()
        .filter(service -> service.getKey().startsWith("resure"));
  }

  @ParameterizedTest
  @MethodSource("ours")
  void everyVariableIsAPropertyOfTheServiceAndValid(
      Map.Entry<String, Map<String, Object>> service) {
    StandardEnvironment environment = new StandardEnvironment();
    environment
        .getPropertySources()
        .forEach(s -> environment.getPropertySources().remove(s.getName()));
    environment
        .getPropertySources()
        .addLast(
            new SystemEnvironmentPropertySource(
                StandardEnvironment.SYSTEM_ENVIRONMENT_PROPERTY_SOURCE_NAME, service.getValue()));
    ConfigurationPropertySources.attach(environment);

    assertThat(service.getValue()).containsKey("RESURE_ACCESS_ANONYMOUS");
    assertThatCode(() -> ResureProperties.read(environment)).doesNotThrowAnyException();
  }
}
