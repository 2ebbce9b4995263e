package resure.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class OptionsTest {

  private static final Map<String, String> DEFAULTS = Map.of("rounds", "5", "bodies", "S,L");

  @Test
  void whatIsGivenReplacesTheDefault() {
    Options options = Options.parse(List.of("--rounds=7"), DEFAULTS);
    assertThat(options.number("rounds")).isEqualTo(7);
    assertThat(options.list("bodies")).containsExactly("S", "L");
  }

  @Test
  void aMisspeltOptionIsRefusedByName() {
    assertThatThrownBy(() -> Options.parse(List.of("--round=7"), DEFAULTS))
        .hasMessageContaining("--round=7")
        .hasMessageContaining("--rounds=5");
    assertThatThrownBy(() -> Options.parse(List.of("rounds"), DEFAULTS))
        .hasMessageContaining("rounds");
  }
}
