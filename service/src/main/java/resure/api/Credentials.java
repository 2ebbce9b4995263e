package resure.api;

import reactor.core.publisher.Mono;
import resure.access.Caller;

/** Says whose a bearer token is. Safe for any thread; never blocks. */
@FunctionalInterface
public interface Credentials {

  /** The caller, at once where it is known; empty for a token that is nobody's. */
  Mono<Caller> find(String token);

  /** Asks these first, then others. */
  default Credentials or(Credentials others) {
    return token -> find(token).switchIfEmpty(Mono.defer(() -> others.find(token)));
  }
}
