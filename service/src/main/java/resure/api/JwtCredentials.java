package resure.api;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Arrays;
import java.util.Collection;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.security.oauth2.core.DelegatingOAuth2TokenValidator;
import org.springframework.security.oauth2.core.OAuth2Error;
import org.springframework.security.oauth2.core.OAuth2ErrorCodes;
import org.springframework.security.oauth2.core.OAuth2TokenValidator;
import org.springframework.security.oauth2.core.OAuth2TokenValidatorResult;
import org.springframework.security.oauth2.jose.jws.SignatureAlgorithm;
import org.springframework.security.oauth2.jwt.BadJwtException;
import org.springframework.security.oauth2.jwt.Jwt;
import org.springframework.security.oauth2.jwt.JwtValidators;
import org.springframework.security.oauth2.jwt.NimbusReactiveJwtDecoder;
import org.springframework.security.oauth2.jwt.ReactiveJwtDecoder;
import org.springframework.security.oauth2.jwt.SupplierReactiveJwtDecoder;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Schedulers;
import resure.access.Caller;
import resure.access.Scope;
import resure.observation.RunId;

/**
 * Tokens of an OpenID Connect issuer: signed by one of its keys, for this audience, not expired,
 * and with a tenant. The issuer is asked for its keys when the first token comes, and again when
 * one is signed by a key that is not known; while it is away its tokens are refused and nothing
 * else is. A token that was found good is remembered until it expires.
 */
public final class JwtCredentials implements Credentials {

  private static final Logger LOG = LoggerFactory.getLogger(JwtCredentials.class);

  /** Tokens that are remembered; others are verified each time. */
  private static final int REMEMBERED = 10_000;

  private static final OAuth2Error NOT_FOR_US =
      new OAuth2Error(OAuth2ErrorCodes.INVALID_TOKEN, "another audience, or no expiry", null);

  /** For asking the issuer; a trainer waits meanwhile. */
  private static final Duration PATIENCE = Duration.ofSeconds(5);

  /** How often the log says that the issuer is away. */
  private static final long SAY_MILLIS = 60_000;

  /** Longer ones are nobody's. */
  private static final int LONGEST = 16_384;

  /**
   * Where tokens come from and what they say.
   *
   * @param issuer its address, which tokens must name
   * @param keys address of its keys; null to ask the issuer for it
   * @param audience what tokens must be for
   * @param tenantClaim the claim that names the tenant
   * @param scopeClaim the claim that lists scopes: text with blanks, or an array
   */
  public record Issuer(
      String issuer,
      @Nullable String keys,
      String audience,
      String tenantClaim,
      String scopeClaim) {}

  private record Remembered(Caller caller, Instant until) {}

  private final Issuer issuer;
  private final ReactiveJwtDecoder decoder;
  private final InstantSource clock;
  private final Cache<String, Remembered> good =
      Caffeine.newBuilder().maximumSize(REMEMBERED).build();

  /** When the log said that the issuer is away; any thread's. */
  private final AtomicLong said = new AtomicLong();

  /** Of an issuer that is asked for nothing yet. */
  public JwtCredentials(Issuer issuer, InstantSource clock) {
    this.issuer = issuer;
    this.clock = clock;
    this.decoder = new SupplierReactiveJwtDecoder(() -> decoder(issuer));
  }

  private static ReactiveJwtDecoder decoder(Issuer issuer) {
    NimbusReactiveJwtDecoder decoder =
        (issuer.keys() == null
                ? NimbusReactiveJwtDecoder.withIssuerLocation(issuer.issuer())
                : NimbusReactiveJwtDecoder.withJwkSetUri(issuer.keys()))
            .jwsAlgorithms(
                algorithms -> algorithms.addAll(Arrays.asList(SignatureAlgorithm.values())))
            .build();
    OAuth2TokenValidator<Jwt> forUs =
        jwt -> {
          List<String> audience = jwt.getAudience();
          boolean good =
              audience != null
                  && audience.contains(issuer.audience())
                  && jwt.getExpiresAt() != null;
          return good
              ? OAuth2TokenValidatorResult.success()
              : OAuth2TokenValidatorResult.failure(NOT_FOR_US);
        };
    decoder.setJwtValidator(
        new DelegatingOAuth2TokenValidator<>(
            JwtValidators.createDefaultWithIssuer(issuer.issuer()), forUs));
    return decoder;
  }

  @Override
  public Mono<Caller> find(String token) {
    Remembered known = good.getIfPresent(token);
    if (known != null && clock.instant().isBefore(known.until)) {
      return Mono.just(known.caller);
    }
    if (token.length() > LONGEST || token.indexOf('.') < 0) {
      return Mono.empty();
    }
    return Mono.defer(() -> decoder.decode(token))
        // Asking the issuer where its keys are blocks.
        .subscribeOn(Schedulers.boundedElastic())
        .timeout(PATIENCE)
        .mapNotNull(jwt -> remember(token, jwt))
        .onErrorResume(BadJwtException.class, e -> Mono.empty())
        .onErrorMap(e -> !(e instanceof ProblemException), this::unavailable);
  }

  private ProblemException unavailable(Throwable cause) {
    long now = clock.millis();
    long before = said.get();
    if (now - before >= SAY_MILLIS && said.compareAndSet(before, now)) {
      LOG.warn("Tokens of {} cannot be verified now: {}", issuer.issuer(), cause.toString());
    }
    return ProblemException.of(
        ProblemType.ISSUER_UNAVAILABLE,
        "The issuer of tokens cannot be asked for its keys. Try again.");
  }

  private @Nullable Caller remember(String token, Jwt jwt) {
    Caller caller = caller(jwt);
    Instant expires = jwt.getExpiresAt();
    if (caller != null && expires != null) {
      good.put(token, new Remembered(caller, expires));
    }
    return caller;
  }

  private @Nullable Caller caller(Jwt jwt) {
    String tenant = jwt.getClaimAsString(issuer.tenantClaim());
    if (tenant == null || !RunId.validName(tenant)) {
      return null;
    }
    Set<Scope> scopes = EnumSet.noneOf(Scope.class);
    for (String word : words(jwt.getClaim(issuer.scopeClaim()))) {
      Scope scope = Scope.of(word);
      if (scope != null) {
        scopes.add(scope);
      }
    }
    String subject = jwt.getSubject();
    return new Caller(
        tenant,
        scopes,
        issuer.issuer() + " " + Text.shortened(subject == null ? "without subject" : subject));
  }

  private static List<String> words(@Nullable Object claim) {
    return switch (claim) {
      case String text -> List.of(text.split(" ", -1));
      case Collection<?> many -> many.stream().map(String::valueOf).toList();
      case null, default -> List.of();
    };
  }
}
