package resure.crash;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import resure.journal.Durability;
import resure.journal.Journal;
import resure.journal.JournalException;
import resure.journal.postgres.EmbeddedServer;
import resure.journal.postgres.PostgresJournal;

/** A database server of a test's own, which each replica reaches over a link of its own. */
final class SharedDatabase implements AutoCloseable {

  private static final String VERSION = "18";

  private final EmbeddedServer server;
  private final EmbeddedServer.Database database;
  private final List<Link> links = new ArrayList<>();

  private SharedDatabase(EmbeddedServer server) {
    this.server = server;
    this.database = server.newDatabase();
  }

  /** Starts one with so many links. */
  static SharedDatabase start(int links, long seed) throws IOException {
    SharedDatabase shared = new SharedDatabase(EmbeddedServer.own(VERSION, Map.of()));
    for (int i = 0; i < links; i++) {
      shared.links.add(new Link(shared.server.port(), seed + i));
    }
    return shared;
  }

  Link link(int number) {
    return links.get(number);
  }

  /** What a service is told that reaches it over a link. */
  List<String> properties(int link) {
    return properties(database.at(links.get(link).port()));
  }

  /** What a service is told of a database. */
  static List<String> properties(EmbeddedServer.Database database) {
    return List.of(
        "resure.journal.store=postgres",
        "spring.datasource.url=" + database.url(),
        "spring.datasource.username=" + database.user(),
        "spring.datasource.password=" + database.password());
  }

  /** The journal, past all links. */
  Journal journal() throws JournalException {
    return PostgresJournal.open(database.config(), Durability.FSYNC);
  }

  /** Stops the server; all connections are cut. */
  void stop() {
    server.stop();
  }

  /** Starts it again with what it had. */
  void restart() {
    server.start();
  }

  @Override
  public void close() {
    links.forEach(Link::close);
    server.close();
  }
}
