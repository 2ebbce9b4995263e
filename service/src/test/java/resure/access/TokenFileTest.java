package resure.access;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class TokenFileTest {

  private static final String HASH =
      "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";

  @TempDir private Path directory;

  private final List<String> said = new ArrayList<>();

  @Test
  void aTokenIsItsTenantsAndNobodyElses() {
    TokenSet.Created one = TokenSet.create("a", Set.of(Scope.READ, Scope.ADMIN));
    TokenSet.Created other = TokenSet.create("b", Set.of(Scope.WRITE));
    TokenSet tokens = TokenSet.parse("# two\n\n" + one.line() + " # mine\n  " + other.line());

    assertThat(tokens.size()).isEqualTo(2);
    Caller caller = tokens.find(one.secret());
    assertThat(caller).isNotNull();
    assertThat(caller.tenant()).isEqualTo("a");
    assertThat(caller.scopes()).containsExactlyInAnyOrder(Scope.READ, Scope.ADMIN);
    assertThat(one.secret()).doesNotContain(one.line().split(" ")[3]);
    assertThat(caller.toString()).doesNotContain(one.secret().substring(16));
    assertThat(tokens.find(one.secret().substring(0, 16) + other.secret().substring(16))).isNull();
    for (int i = 0; i < one.secret().length(); i++) {
      String changed = one.secret().substring(0, i) + '~' + one.secret().substring(i + 1);
      assertThat(tokens.find(changed)).isNull();
    }
    assertThat(tokens.find("")).isNull();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "# nothing but this\n",
        "3f9c2a71 a read",
        "3f9c2a7 a read " + HASH,
        "3f9c2a71 -a read " + HASH,
        "3f9c2a71 a reads " + HASH,
        "3f9c2a71 a read, " + HASH,
        "3f9c2a71 a read 9f86",
        "3f9c2a71 a read " + HASH + " more",
        "3f9c2a71 a read " + HASH + "\n3f9c2a71 b read " + HASH
      })
  void whatIsNotAListOfTokensIsRefusedWithoutRepeatingIt(String text) {
    assertThatThrownBy(() -> TokenSet.parse(text))
        .isInstanceOf(IllegalArgumentException.class)
        .message()
        .doesNotContain(HASH.substring(0, 8));
  }

  @Test
  void aFileThatIsMissingEmptyOrBrokenOpensNothing() throws IOException {
    Path file = directory.resolve("tokens");
    assertThatThrownBy(() -> TokenFile.open(file, said::add)).isInstanceOf(IOException.class);
    for (String text : List.of("", "x")) {
      Files.writeString(file, text);
      assertThatThrownBy(() -> TokenFile.open(file, said::add)).isInstanceOf(IOException.class);
    }
  }

  @Test
  void aChangedFileCountsAndABrokenOneLeavesTheTokensAsTheyWere() throws IOException {
    TokenSet.Created old = TokenSet.create("a", Set.of(Scope.READ));
    TokenSet.Created young = TokenSet.create("a", Set.of(Scope.READ));
    Path first = Files.writeString(directory.resolve("first"), old.line());
    Path second = Files.writeString(directory.resolve("second"), young.line());
    Path link = directory.resolve("tokens");
    Files.createSymbolicLink(link, first);
    try (TokenFile file = TokenFile.open(link, said::add)) {
      file.look();
      assertThat(said).isEmpty();
      assertThat(file.tokens().find(old.secret())).isNotNull();

      // As a mounted secret is changed.
      Files.delete(link);
      file.look();
      file.look();
      assertThat(said).hasSize(1);
      assertThat(file.tokens().find(old.secret())).isNotNull();
      Files.createSymbolicLink(link, second);
      file.look();
      assertThat(said).hasSize(2);
      assertThat(file.tokens().find(old.secret())).isNull();
      assertThat(file.tokens().find(young.secret())).isNotNull();

      Files.writeString(second, "broken " + young.line());
      file.look();
      assertThat(said).hasSize(3);
      assertThat(String.join("", said)).doesNotContain(young.secret().substring(16));
      assertThat(file.tokens().find(young.secret())).isNotNull();
    }
  }
}
