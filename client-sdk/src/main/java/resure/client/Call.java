package resure.client;

import java.net.URI;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * A call of the contract, ready to be made, once or again.
 *
 * @param method of HTTP
 * @param path with the query, from the first slash
 * @param body CBOR; null for none
 * @param key of the batch; null for none
 * @param accept media type of a good answer
 * @param most bytes of a good answer
 * @param read the result from an answer of status 200 to 299, or 304
 */
@SuppressWarnings("ArrayRecordComponent") // written once, compared never
record Call<T>(
    String method,
    String path,
    byte @Nullable [] body,
    @Nullable String key,
    String accept,
    int most,
    Function<Reply, T> read) {

  /** The result, or why there is none. */
  T result(Reply reply) {
    if (reply.status() >= 400) {
      throw Problems.of(toString(), reply);
    }
    if (reply.status() >= 300 && reply.status() != 304) {
      throw unexpected(
          reply, "a redirect, which is not followed: give the address that it leads to", null);
    }
    try {
      return read.apply(reply);
    } catch (UnexpectedAnswerException e) {
      throw unexpected(reply, e.getMessage(), e.getCause());
    }
  }

  /** An answer of CBOR. */
  static <T> T cbor(Reply reply, Function<AnswerReader, T> value) {
    if (!reply.mediaType().equals(Reply.CBOR)) {
      throw new UnexpectedAnswerException(
          "an answer of another kind ("
              + (reply.mediaType().isEmpty() ? "nothing is said" : Problems.printable(reply.mediaType()))
              + "), not the service's: check the address and what is between here and there",
          null);
    }
    return AnswerReader.readCbor(reply.body(), value);
  }

  private UnexpectedAnswerException unexpected(
      Reply reply, @Nullable String what, @Nullable Throwable cause) {
    URI from = reply.from();
    return new UnexpectedAnswerException(
        this + " was answered " + reply.status() + " at " + from + ": " + what, cause);
  }

  @Override
  public String toString() {
    return method + " " + path;
  }
}
