package resure.access;

import static java.nio.charset.StandardCharsets.US_ASCII;

import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.security.SecureRandom;
import java.util.Base64;
import java.util.HexFormat;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * A bearer token: {@code resure_}, a key id of 8 hexadecimal digits that is no secret, {@code _},
 * and 256 random bits in the URL-safe alphabet of base64. A secret of so many bits cannot be
 * guessed, so one round of SHA-256 hides it as well as a slow hash would.
 *
 * @param keyId what names it in files and logs
 * @param secret what proves it
 */
record Token(String keyId, String secret) {

  private static final Pattern FORM = Pattern.compile("resure_([0-9a-f]{8})_([A-Za-z0-9_-]{43})");

  /** A new one. */
  static Token create(SecureRandom random) {
    byte[] id = new byte[4];
    byte[] bits = new byte[32];
    random.nextBytes(id);
    random.nextBytes(bits);
    return new Token(
        HexFormat.of().formatHex(id), Base64.getUrlEncoder().withoutPadding().encodeToString(bits));
  }

  /** The token that is written so; null where it is none of ours. */
  static @Nullable Token parse(String text) {
    Matcher matcher = FORM.matcher(text);
    return matcher.matches() ? new Token(matcher.group(1), matcher.group(2)) : null;
  }

  /** Of the secret. */
  byte[] sha256() {
    try {
      return MessageDigest.getInstance("SHA-256").digest(secret.getBytes(US_ASCII));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java platform has SHA-256", e);
    }
  }

  /** As its owner keeps it. */
  String text() {
    return "resure_" + keyId + "_" + secret;
  }

  /** Without the secret. */
  @Override
  public String toString() {
    return "resure_" + keyId + "_...";
  }
}
