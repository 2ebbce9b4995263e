package resure.api;

import reactor.core.publisher.Mono;

/**
 * What a method does at an address. Runs on the event loop; a {@link ProblemException} is an
 * answer.
 */
interface Operation {
  Mono<Void> handle(Exchange exchange);
}
