package resure.bench;

import java.io.PrintStream;
import java.util.List;

/** The one entry: a command and its options. */
public final class Bench {

  private Bench() {}

  /** Runs a command; see README.md. */
  public static void main(String[] arguments) throws Exception {
    List<String> all = List.of(arguments);
    List<String> rest = all.isEmpty() ? all : all.subList(1, all.size());
    PrintStream out = System.out;
    switch (all.isEmpty() ? "" : all.getFirst()) {
      case "http" -> new HttpComparison(Options.parse(rest, HttpComparison.DEFAULTS), out).run();
      default -> {
        out.println("usage: java -jar bench/target/resure-bench.jar COMMAND [--option=value ...]");
        out.println("commands: http, fsync, disk, million, heap, jmh");
        System.exit(2);
      }
    }
  }
}
