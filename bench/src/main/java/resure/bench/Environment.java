package resure.bench;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * What every command that starts servers is told.
 *
 * @param jvm flags of every server
 * @param serviceJar the packaged service
 * @param directory where states and logs go: on the disk that is to be measured
 */
record Environment(List<String> jvm, Path serviceJar, Path directory) {

  /**
   * The collector that a JVM takes by itself on a machine with two or more processors and 2 GB, in
   * a fixed heap that neither a floor nor the service fills.
   */
  private static final String FLAGS =
      "-XX:+UseG1GC -Xms1g -Xmx1g --enable-native-access=ALL-UNNAMED";

  static Environment of(Options options) {
    List<String> jvm = List.of(options.text("jvm").split(" +", -1));
    return new Environment(
        jvm, Path.of(options.text("service-jar")), Path.of(options.text("directory")));
  }

  /** The defaults of these options beside a command's own. */
  static Map<String, String> defaults(Map<String, String> own) {
    Map<String, String> all = new TreeMap<>(own);
    all.put("jvm", FLAGS);
    all.put("service-jar", "service/target/resure-service.jar");
    all.put("directory", "bench/target/measured");
    return all;
  }

  /**
   * A line that says what figures of this machine come from. A load average above a few tenths says
   * that others are at work on it.
   */
  static String machine() {
    return "%d processors, load %.1f before this, %s %s, Java %s (%s)"
        .formatted(
            Runtime.getRuntime().availableProcessors(),
            ManagementFactory.getOperatingSystemMXBean().getSystemLoadAverage(),
            System.getProperty("os.name"),
            System.getProperty("os.arch"),
            System.getProperty("java.vm.version"),
            System.getProperty("java.vendor"));
  }

  /** Log file of a server. */
  Path log(String name) {
    return directory.resolve(name + ".log");
  }

  /** The directory, which is there from now on. */
  Path made() throws IOException {
    return Files.createDirectories(directory);
  }

  /** An empty directory for a service's state. */
  Path freshState(String name) throws IOException {
    Path state = directory.resolve("state-" + name);
    Disk.delete(state);
    return state;
  }
}
