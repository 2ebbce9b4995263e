package resure.bench.floor;

import io.netty.buffer.Unpooled;
import java.time.Duration;
import reactor.core.publisher.Mono;
import reactor.netty.http.server.HttpServer;
import resure.bench.Shape;
import tools.jackson.databind.json.JsonMapper;

/**
 * Floor (a): bare Reactor Netty that reads the body to its end and answers constant bytes, as many
 * as a real answer has. Nothing that speaks HTTP on this stack is cheaper.
 */
public final class NettyFloor {

  private NettyFloor() {}

  /** Serves until killed: port, shape. */
  public static void main(String[] arguments) {
    Shape shape = Shape.valueOf(arguments[1]);
    byte[] answer = JsonMapper.shared().writeValueAsBytes(Answer.typical(shape));
    HttpServer.create()
        .host("127.0.0.1")
        .port(Integer.parseInt(arguments[0]))
        .handle(
            (request, response) ->
                request
                    .receive()
                    .then()
                    .then(
                        Mono.defer(
                            () ->
                                response
                                    .header("Content-Type", "application/json")
                                    .header("Content-Length", Integer.toString(answer.length))
                                    .sendObject(Unpooled.wrappedBuffer(answer))
                                    .then())))
        .bindUntilJavaShutdown(Duration.ofSeconds(5), null);
  }
}
