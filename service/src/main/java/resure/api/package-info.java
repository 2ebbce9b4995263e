/**
 * HTTP: bytes to columns and back, problem answers, paging, routes. Everything here runs on event
 * loops and never blocks; a request is handed to {@code run} once and comes back once. The only
 * package that knows Spring WebFlux, Reactor and Jackson.
 */
@NullMarked
package resure.api;

import org.jspecify.annotations.NullMarked;
