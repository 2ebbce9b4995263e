package resure.client;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.InputStream;
import java.net.http.HttpResponse.BodySubscriber;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Flow;

/** Gathers the body of an answer, up to a number of bytes: an announced length is not believed. */
final class Body implements BodySubscriber<InputStream> {

  private final int most;
  private final boolean cut;
  private final ByteArrayOutputStream bytes = new ByteArrayOutputStream(8192);
  private final CompletableFuture<InputStream> whole = new CompletableFuture<>();

  @SuppressWarnings("NullAway.Init") // comes first, by the rules of Flow
  private Flow.Subscription subscription;

  /**
   * For one answer.
   *
   * @param cut whether the bytes up to the bound will do; else a longer body is a failure
   */
  Body(int most, boolean cut) {
    this.most = most;
    this.cut = cut;
  }

  @Override
  public CompletionStage<InputStream> getBody() {
    return whole;
  }

  @Override
  public void onSubscribe(Flow.Subscription newSubscription) {
    subscription = newSubscription;
    subscription.request(Long.MAX_VALUE);
  }

  @Override
  public void onNext(List<ByteBuffer> buffers) {
    for (ByteBuffer buffer : buffers) {
      if (buffer.remaining() > most - bytes.size()) {
        subscription.cancel();
        if (cut) {
          onComplete();
        } else {
          onError(
              new UnexpectedAnswerException("the answer has more than " + most + " bytes", null));
        }
        return;
      }
      byte[] chunk = new byte[buffer.remaining()];
      buffer.get(chunk);
      bytes.write(chunk, 0, chunk.length);
    }
  }

  @Override
  public void onError(Throwable failure) {
    whole.completeExceptionally(failure);
  }

  @Override
  public void onComplete() {
    whole.complete(new ByteArrayInputStream(bytes.toByteArray()));
  }
}
