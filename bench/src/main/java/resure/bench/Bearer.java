package resure.bench;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static java.nio.charset.StandardCharsets.UTF_8;

import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.math.BigInteger;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.Signature;
import java.security.interfaces.RSAPublicKey;
import java.time.Instant;
import java.util.Arrays;
import java.util.Base64;
import java.util.EnumSet;
import java.util.List;
import org.jspecify.annotations.Nullable;
import resure.access.Scope;
import resure.access.TokenSet;

/**
 * What requests show of who sends them, and the service's properties by which that is valid: a
 * token of its own, or one that an issuer has signed, which is served here.
 */
final class Bearer implements AutoCloseable {

  /** Where nobody need say who asks. */
  static final Bearer NONE = new Bearer("", List.of(), null);

  private static final int KEY_BITS = 2048;
  private static final long LIFE_SECONDS = 86_400;

  private final String header;
  private final List<String> properties;
  private final @Nullable HttpServer issuer;

  private Bearer(String token, List<String> properties, @Nullable HttpServer issuer) {
    header = token.isEmpty() ? "" : "Authorization: Bearer " + token + "\r\n";
    this.properties = List.copyOf(properties);
    this.issuer = issuer;
  }

  /** A token of a file. */
  static Bearer ofFile(Path directory) throws IOException {
    TokenSet.Created token = TokenSet.create("bench", EnumSet.allOf(Scope.class));
    Path file = Files.writeString(directory.resolve("tokens"), token.line() + "\n");
    return new Bearer(token.secret(), List.of("--resure.access.tokens=" + file), null);
  }

  /** A token that an issuer has signed (RS256). */
  static Bearer ofIssuer() throws IOException {
    HttpServer issuer =
        HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    String address = "http://127.0.0.1:" + issuer.getAddress().getPort();
    try {
      KeyPairGenerator generator = KeyPairGenerator.getInstance("RSA");
      generator.initialize(KEY_BITS);
      KeyPair pair = generator.generateKeyPair();
      serve(issuer, (RSAPublicKey) pair.getPublic());
      String claims =
          """
          {"iss":"%s","aud":"resure","sub":"trainer","tenant":"bench","scope":"read write","exp":%d}\
          """
              .formatted(address, Instant.now().getEpochSecond() + LIFE_SECONDS);
      String signed = text("{\"alg\":\"RS256\",\"kid\":\"bench\"}") + "." + text(claims);
      Signature signature = Signature.getInstance("SHA256withRSA");
      signature.initSign(pair.getPrivate());
      signature.update(signed.getBytes(US_ASCII));
      return new Bearer(
          signed + "." + base64(signature.sign()),
          List.of(
              "--resure.access.oidc.issuer=" + address,
              "--resure.access.oidc.keys=" + address + "/keys",
              "--resure.access.oidc.audience=resure"),
          issuer);
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("every Java platform has RSA", e);
    }
  }

  private static void serve(HttpServer issuer, RSAPublicKey key) {
    byte[] keys =
        "{\"keys\":[{\"kty\":\"RSA\",\"kid\":\"bench\",\"n\":\"%s\",\"e\":\"%s\"}]}"
            .formatted(number(key.getModulus()), number(key.getPublicExponent()))
            .getBytes(UTF_8);
    issuer.createContext(
        "/keys",
        exchange -> {
          exchange.getResponseHeaders().set("Content-Type", "application/json");
          exchange.sendResponseHeaders(200, keys.length);
          exchange.getResponseBody().write(keys);
          exchange.close();
        });
    issuer.start();
  }

  private static String number(BigInteger number) {
    byte[] bytes = number.toByteArray();
    return base64(bytes[0] == 0 ? Arrays.copyOfRange(bytes, 1, bytes.length) : bytes);
  }

  private static String text(String json) {
    return base64(json.getBytes(UTF_8));
  }

  private static String base64(byte[] bytes) {
    return Base64.getUrlEncoder().withoutPadding().encodeToString(bytes);
  }

  /** A line of a request's head; empty for none. */
  String header() {
    return header;
  }

  /** Arguments of the service. */
  String[] properties() {
    return properties.toArray(new String[0]);
  }

  @Override
  public void close() {
    if (issuer != null) {
      issuer.stop(0);
    }
  }
}
