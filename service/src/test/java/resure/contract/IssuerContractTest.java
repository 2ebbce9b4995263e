package resure.contract;

import static org.assertj.core.api.Assertions.assertThat;

import com.nimbusds.jose.JOSEException;
import com.nimbusds.jose.JWSAlgorithm;
import com.nimbusds.jose.JWSHeader;
import com.nimbusds.jose.JWSSigner;
import com.nimbusds.jose.crypto.MACSigner;
import com.nimbusds.jose.crypto.RSASSASigner;
import com.nimbusds.jose.jwk.JWKSet;
import com.nimbusds.jose.jwk.RSAKey;
import com.nimbusds.jose.jwk.gen.RSAKeyGenerator;
import com.nimbusds.jwt.JWTClaimsSet;
import com.nimbusds.jwt.PlainJWT;
import com.nimbusds.jwt.SignedJWT;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.Date;
import java.util.List;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import resure.access.Scope;
import resure.access.TokenSet;

/** Tokens of an OpenID Connect issuer, which is a real server with real keys. */
class IssuerContractTest {

  @TempDir private Path directory;

  private final TokenSet.Created own = TokenSet.create("team-a", Set.of(Scope.READ));
  private final AtomicInteger asked = new AtomicInteger();
  private RSAKey key;
  private HttpServer server;
  private String issuer;

  @BeforeEach
  void startIssuer() throws IOException, JOSEException {
    key = new RSAKeyGenerator(2048).keyID("first").generate();
    server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    issuer = "http://localhost:" + server.getAddress().getPort();
    answer(
        "/.well-known/openid-configuration",
        () ->
            "{\"issuer\":\"%s\",\"jwks_uri\":\"%s/keys\",\"subject_types_supported\":[\"public\"]}"
                .formatted(issuer, issuer));
    answer("/keys", () -> new JWKSet(key.toPublicJWK()).toString());
    Files.writeString(directory.resolve("tokens"), own.line());
  }

  private void answer(String path, java.util.function.Supplier<String> body) {
    server.createContext(
        path,
        exchange -> {
          asked.incrementAndGet();
          byte[] bytes = body.get().getBytes(StandardCharsets.UTF_8);
          exchange.getResponseHeaders().set("Content-Type", "application/json");
          exchange.sendResponseHeaders(200, bytes.length);
          exchange.getResponseBody().write(bytes);
          exchange.close();
        });
  }

  @AfterEach
  void stopIssuer() {
    server.stop(0);
  }

  private LiveService live() {
    return LiveService.start(
        "resure.access.tokens=" + directory.resolve("tokens"),
        "resure.access.oidc.issuer=" + issuer,
        "resure.access.oidc.audience=resure");
  }

  private JWTClaimsSet.Builder claims() {
    return new JWTClaimsSet.Builder()
        .issuer(issuer)
        .audience("resure")
        .subject("trainer-7")
        .claim("tenant", "team-a")
        .claim("scope", "openid read write")
        .expirationTime(Date.from(Instant.now().plusSeconds(600)));
  }

  private static String signed(JWTClaimsSet claims, JWSAlgorithm algorithm, JWSSigner signer)
      throws JOSEException {
    SignedJWT jwt = new SignedJWT(new JWSHeader.Builder(algorithm).keyID("first").build(), claims);
    jwt.sign(signer);
    return jwt.serialize();
  }

  private String signed(JWTClaimsSet.Builder claims) throws JOSEException {
    return signed(claims.build(), JWSAlgorithm.RS256, new RSASSASigner(key));
  }

  @Test
  void aTokenOfTheIssuerIsItsTenantsAndOneWithAnyFaultIsNobodys() throws Exception {
    server.start();
    try (LiveService live = live()) {
      assertThat(asked).hasValue(0);
      live.authorize(signed(claims()));
      String run = live.newRun("{}");
      int before = asked.get();
      assertThat(live.get(run).status()).isEqualTo(200);
      assertThat(live.delete(run).outcome()).isEqualTo("403 insufficient-scope");
      assertThat(asked).as("what is known is not asked for again").hasValue(before);

      // The same tenant by the service's own token.
      live.authorize(own.secret());
      assertThat(live.get(run).status()).isEqualTo(200);

      live.authorize(signed(claims().claim("tenant", "team-b").claim("scope", List.of("read"))));
      assertThat(live.get(run).status()).isEqualTo(404);

      RSAKey foreign = new RSAKeyGenerator(2048).keyID("first").generate();
      Date past = Date.from(Instant.now().minusSeconds(600));
      for (String bad :
          List.of(
              signed(claims().audience("others")),
              signed(claims().audience((String) null)),
              signed(claims().issuer("http://localhost:1")),
              signed(claims().expirationTime(past)),
              signed(claims().expirationTime(null)),
              signed(claims().notBeforeTime(Date.from(Instant.now().plusSeconds(600)))),
              signed(claims().claim("tenant", null)),
              signed(claims().claim("tenant", "../a")),
              signed(claims().build(), JWSAlgorithm.RS256, new RSASSASigner(foreign)),
              signed(
                  claims().build(),
                  JWSAlgorithm.HS256,
                  new MACSigner(key.toRSAPublicKey().getEncoded())),
              new PlainJWT(claims().build()).serialize(),
              signed(claims()).replaceFirst("\\.[^.]*$", "."),
              "a.b.c")) {
        live.authorize(bad);
        assertThat(live.get(run).outcome()).as(bad).isEqualTo("401 unauthenticated");
      }
    }
  }

  @Test
  void anIssuerThatIsAwayKeepsNobodyElseOutAndIsAskedAgain() throws Exception {
    String token = signed(claims());
    try (LiveService live = live()) {
      live.authorize(own.secret());
      assertThat(live.get("/v1/runs").status()).isEqualTo(200);
      // It is there, and does not answer.
      live.authorize(token);
      assertThat(live.get("/v1/runs").outcome()).isEqualTo("503 issuer-unavailable");
      server.start();
      assertThat(live.get("/v1/runs").status()).isEqualTo(200);
    }
  }
}
