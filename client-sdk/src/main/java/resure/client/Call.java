package resure.client;

import java.io.InputStream;
import java.net.http.HttpResponse.BodySubscriber;
import java.util.List;
import java.util.function.Function;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * A call of the contract, ready to be made, once or again.
 *
 * @param method of HTTP
 * @param path with the query, from the first slash
 * @param sent body, CBOR; null for none
 * @param headers of its own: names and values in turn
 * @param accept media type of a good answer
 * @param safe whether to make it twice is the same as to make it once
 * @param body takes the body of a good answer
 * @param read the result from an answer of status 200 to 299, or 304
 */
@SuppressWarnings("ArrayRecordComponent") // written once, compared never
record Call<T extends @Nullable Object>(
    String method,
    String path,
    byte @Nullable [] sent,
    List<String> headers,
    String accept,
    boolean safe,
    Supplier<BodySubscriber<InputStream>> body,
    Function<Reply, T> read) {

  /** The result, or why there is none. */
  T result(Reply reply) {
    if (reply.status() >= 400) {
      throw Problems.of(toString(), reply);
    }
    if (reply.status() >= 300 && reply.status() != 304) {
      throw unexpected(
          reply, "redirects are not followed: give the address that this one leads to", null);
    }
    try {
      return read.apply(reply);
    } catch (UnexpectedAnswerException e) {
      throw unexpected(reply, e.getMessage(), e.getCause());
    }
  }

  private UnexpectedAnswerException unexpected(
      Reply reply, @Nullable String what, @Nullable Throwable cause) {
    return new UnexpectedAnswerException(
        this + " was answered " + reply.status() + " at " + reply.from() + ": " + what, cause);
  }

  /** Without the query, which may hold what a log should not. */
  @Override
  public String toString() {
    int query = path.indexOf('?');
    return method + " " + (query < 0 ? path : path.substring(0, query));
  }
}
