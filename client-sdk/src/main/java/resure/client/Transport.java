package resure.client;

import java.io.IOException;
import java.io.InputStream;
import java.net.ConnectException;
import java.net.ProtocolException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpConnectTimeoutException;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.channels.UnresolvedAddressException;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.stream.BaseStream;
import javax.net.ssl.SSLException;
import javax.net.ssl.SSLHandshakeException;
import org.jspecify.annotations.Nullable;

/** One HTTP request, answered whole or failed by its deadline, and then really ended. */
@SuppressWarnings("FutureReturnValueIgnored") // of whenComplete: what it watches is the result
final class Transport {

  /** Of an answer that is an error: a problem with a hundred labels listed fits. */
  private static final int LARGEST_PROBLEM = 1 << 20;

  private final HttpClient http;
  private final Timer timer;

  Transport(HttpClient http, Timer timer) {
    this.http = http;
    this.timer = timer;
  }

  /**
   * Makes a call once. Cancelling the future ends the exchange, in whatever state it is.
   *
   * @param deadline by the timer's clock
   */
  <T extends @Nullable Object> CompletableFuture<T> send(
      Call<T> call, URI address, HttpRequest request, long deadline) {
    long begun = timer.nanoTime();
    CompletableFuture<HttpResponse<InputStream>> exchange =
        http.sendAsync(
            request,
            head -> head.statusCode() >= 400 ? new Body(LARGEST_PROBLEM, true) : call.body().get());
    CompletableFuture<T> result = new CompletableFuture<>();
    exchange.whenComplete(
        (response, failure) -> {
          if (failure != null) {
            result.completeExceptionally(explained(call, address, failure));
            return;
          }
          try {
            T value =
                call.result(
                    new Reply(address, response.statusCode(), response.headers(), response.body()));
            if (!result.complete(value) && value instanceof BaseStream<?, ?> stream) {
              stream.close(); // nobody will
            }
          } catch (ResureException e) {
            result.completeExceptionally(e);
          }
        });
    // HttpRequest.timeout would end with the headers: a body that trickles has to be cut as well.
    Runnable callOff =
        timer.after(
            deadline - begun,
            () -> result.completeExceptionally(late(call, address, deadline - begun)));
    result.whenComplete(
        (done, failure) -> {
          callOff.run();
          if (failure != null) {
            exchange.cancel(true);
          }
        });
    return result;
  }

  private static UnavailableException late(Call<?> call, URI address, long nanos) {
    return new UnavailableException(
        call
            + ": no whole answer of "
            + address
            + " within "
            + Duration.ofNanos(nanos).toMillis()
            + " ms: it is overloaded or cut off, or the deadline is too short",
        null);
  }

  private static Throwable explained(Call<?> call, URI address, Throwable failure) {
    Throwable cause =
        failure instanceof CompletionException && failure.getCause() != null
            ? failure.getCause()
            : failure;
    if (cause instanceof ProtocolException) {
      return new UnexpectedAnswerException(
          call + ": what answers at " + address + " does not speak HTTP/1.1: check the address",
          cause);
    }
    if (cause instanceof UnexpectedAnswerException) {
      return new UnexpectedAnswerException(
          call + " at " + address + ": " + cause.getMessage(), null);
    }
    if (cause instanceof IOException broken) {
      return new UnavailableException(call + ": " + why(address, broken), cause, sent(broken));
    }
    return cause;
  }

  private static boolean sent(IOException cause) {
    return !(cause instanceof ConnectException
        || cause instanceof HttpConnectTimeoutException
        || cause instanceof SSLHandshakeException);
  }

  private static String why(URI address, IOException cause) {
    if (cause.getCause() instanceof UnresolvedAddressException) {
      return "the name in " + address + " cannot be resolved: check the address, and DNS";
    }
    if (cause instanceof HttpConnectTimeoutException) {
      return "no connection to " + address + ": check the address, and whether a firewall drops it";
    }
    if (cause instanceof ConnectException) {
      return "nobody listens at " + address + ": check the address, and start the service there";
    }
    if (cause instanceof SSLException) {
      return "no secure connection to "
          + address
          + ": trust its certificate by httpClient(...), or check the address ("
          + cause.getMessage()
          + ")";
    }
    return "the connection to " + address + " broke before the answer was whole: " + cause;
  }
}
