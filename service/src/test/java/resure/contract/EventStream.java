package resure.contract;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/** Reads a stream of events on a thread of its own. */
final class EventStream implements AutoCloseable {

  /** An event; its name is empty at the end of the stream. */
  record Event(String name, String id, JsonNode data) {}

  private static final long DEADLINE_SECONDS = 30;

  private final InputStream body;
  private final BlockingQueue<Event> events = new LinkedBlockingQueue<>();

  private EventStream(InputStream body) {
    this.body = body;
    Thread.ofVirtual().start(this::read);
  }

  static EventStream open(LiveService live, String run, @Nullable String lastEventId) {
    return open("http://localhost:" + live.port() + run + "/events", lastEventId);
  }

  static EventStream open(String address, @Nullable String lastEventId) {
    HttpRequest.Builder request = HttpRequest.newBuilder(URI.create(address));
    if (lastEventId != null) {
      request.header("Last-Event-ID", lastEventId);
    }
    try {
      HttpResponse<InputStream> response =
          CLIENT.send(request.build(), HttpResponse.BodyHandlers.ofInputStream());
      if (response.statusCode() != 200) {
        throw new AssertionError(
            response.statusCode()
                + " "
                + new String(response.body().readAllBytes(), StandardCharsets.UTF_8));
      }
      return new EventStream(response.body());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
  }

  private static final HttpClient CLIENT =
      HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();

  private void read() {
    try (BufferedReader in =
        new BufferedReader(new InputStreamReader(body, StandardCharsets.UTF_8))) {
      String name = "";
      String id = "";
      for (String line = in.readLine(); line != null; line = in.readLine()) {
        if (line.startsWith("event: ")) {
          name = line.substring(7);
        } else if (line.startsWith("id: ")) {
          id = line.substring(4);
        } else if (line.startsWith("data: ")) {
          events.add(
              new Event(
                  name,
                  id,
                  ContractValidator.parse(line.substring(6).getBytes(StandardCharsets.UTF_8))));
          id = "";
        }
      }
    } catch (IOException e) {
      // Ended by whichever side.
    }
    events.add(new Event("", "", ContractValidator.parse("{}".getBytes(StandardCharsets.UTF_8))));
  }

  /** The next event; fails when there is none in time. */
  Event next() {
    try {
      Event event = events.poll(DEADLINE_SECONDS, TimeUnit.SECONDS);
      if (event == null) {
        throw new AssertionError("no event in " + DEADLINE_SECONDS + " s");
      }
      return event;
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
  }

  @Override
  public void close() {
    try {
      body.close();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
