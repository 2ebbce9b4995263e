package resure.access;

import java.security.MessageDigest;
import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import resure.observation.RunId;

/**
 * The tokens that are valid, as a file lists them: one a line, of four words.
 *
 * <pre>
 * # key id  tenant   scopes       SHA-256 of the secret, 64 hexadecimal digits
 * 3f9c2a71  team-a   read,write   9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
 * </pre>
 *
 * Empty lines and what follows a {@code #} say nothing.
 */
public final class TokenSet {

  private static final Pattern WORDS = Pattern.compile("\\s+");
  private static final Pattern KEY_ID = Pattern.compile("[0-9a-f]{8}");
  private static final Pattern HASH = Pattern.compile("[0-9a-f]{64}");

  /** Compared with where no token has the key id, so that it takes as long. */
  private static final byte[] NO_HASH = new byte[32];

  private static final class Known {

    final Caller caller;
    final byte[] sha256;

    Known(Caller caller, byte[] sha256) {
      this.caller = caller;
      this.sha256 = sha256;
    }
  }

  private final Map<String, Known> tokens;

  private TokenSet(Map<String, Known> tokens) {
    this.tokens = tokens;
  }

  /**
   * Reads a file's text.
   *
   * @throws IllegalArgumentException when a line is not as it must be, or there is no token; the
   *     message names lines and repeats none of their words
   */
  public static TokenSet parse(String text) {
    Map<String, Known> tokens = new HashMap<>();
    List<String> faults = new ArrayList<>();
    int number = 0;
    for (String line : text.lines().toList()) {
      number++;
      int comment = line.indexOf('#');
      String stripped = (comment < 0 ? line : line.substring(0, comment)).strip();
      if (stripped.isEmpty()) {
        continue;
      }
      String fault = add(tokens, WORDS.split(stripped));
      if (fault != null) {
        faults.add("line %d: %s".formatted(number, fault));
      }
    }
    if (tokens.isEmpty() && faults.isEmpty()) {
      faults.add("it has no token");
    }
    if (!faults.isEmpty()) {
      throw new IllegalArgumentException(String.join("; ", faults));
    }
    return new TokenSet(tokens);
  }

  private static @Nullable String add(Map<String, Known> tokens, String[] words) {
    if (words.length != 4) {
      return "a line has a key id, a tenant, scopes and a hash";
    }
    if (!KEY_ID.matcher(words[0]).matches()) {
      return "a key id has 8 hexadecimal digits";
    }
    if (!RunId.validName(words[1])) {
      return "a tenant is named as a run is";
    }
    Set<Scope> scopes = EnumSet.noneOf(Scope.class);
    for (String word : words[2].split(",", -1)) {
      Scope scope = Scope.of(word);
      if (scope == null) {
        return "scopes are some of " + allScopes() + ", with commas between them";
      }
      scopes.add(scope);
    }
    if (!HASH.matcher(words[3]).matches()) {
      return "a hash has 64 hexadecimal digits";
    }
    Known known =
        new Known(
            new Caller(words[1], scopes, "token " + words[0]), HexFormat.of().parseHex(words[3]));
    return tokens.put(words[0], known) == null ? null : "its key id was there before";
  }

  private static String allScopes() {
    return EnumSet.allOf(Scope.class).stream().map(Scope::text).collect(Collectors.joining(","));
  }

  /** Whose token this is; null when it is nobody's. Takes as long for every token of this form. */
  public @Nullable Caller find(String presented) {
    Token token = Token.parse(presented);
    if (token == null) {
      return null;
    }
    Known known = tokens.get(token.keyId());
    boolean same = MessageDigest.isEqual(token.sha256(), known == null ? NO_HASH : known.sha256);
    return known != null && same ? known.caller : null;
  }

  /** How many there are. */
  public int size() {
    return tokens.size();
  }

  /**
   * A new token.
   *
   * @param secret the token itself, to be shown once to whom it is for
   * @param line what makes it valid, to be added to the file
   */
  public record Created(String secret, String line) {}

  /** Makes a token of a tenant. */
  public static Created create(String tenant, Set<Scope> scopes) {
    Token token = Token.create(new SecureRandom());
    String words = scopes.stream().sorted().map(Scope::text).collect(Collectors.joining(","));
    return new Created(
        token.text(),
        String.format(
            Locale.ROOT,
            "%s %s %s %s",
            token.keyId(),
            tenant,
            words,
            HexFormat.of().formatHex(token.sha256())));
  }
}
