package resure;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;
import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.core.domain.Dependency;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.domain.JavaModifier;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;

/** Which package may use what, and what classes may be called. */
class PackagesTest {

  /** Of ours; the value packages ({@link #VALUES}) may be used by all. */
  private static final Map<String, List<String>> USES =
      Map.ofEntries(
          Map.entry("statistics", List.of()),
          Map.entry("weighting", List.of()),
          Map.entry("observation", List.of()),
          Map.entry("drift", List.of()),
          Map.entry("compute", List.of()),
          Map.entry("compute.jvm", List.of("compute")),
          Map.entry("compute.djl", List.of("compute")),
          Map.entry("journal", List.of()),
          Map.entry("journal.rocksdb", List.of("journal")),
          Map.entry("journal.postgres", List.of("journal")),
          Map.entry("archive", List.of("journal")),
          Map.entry("backup", List.of()),
          Map.entry("access", List.of()),
          Map.entry("run", List.of("compute", "drift", "journal")),
          Map.entry("replay", List.of("run", "projection", "compute", "journal")),
          // Of the journal only the name of a run, and how a store fails: see theEdgesKnow...; of
          // compute only what runs.
          Map.entry("projection", List.of("run", "drift", "journal")),
          Map.entry(
              "metrics",
              List.of("run", "drift", "replay", "journal", "compute", "backup", "access")),
          Map.entry(
              "api",
              List.of("run", "drift", "replay", "projection", "journal", "compute", "access")),
          // The SDK: used by nothing here but tests.
          Map.entry("client", List.of()));

  private static final List<String> VALUES = List.of("observation", "statistics", "weighting");

  /** Of the value packages themselves. */
  private static final Map<String, List<String>> VALUES_USE =
      Map.of(
          "statistics",
          List.of(),
          "weighting",
          List.of("statistics"),
          "observation",
          List.of(),
          "client",
          List.of("statistics", "weighting"));

  /** Libraries, besides the platform and JSpecify's annotations. The root may use all. */
  private static final Map<String, List<String>> LIBRARIES =
      Map.ofEntries(
          Map.entry("org.rocksdb", List.of("journal.rocksdb")),
          Map.entry("com.zaxxer.hikari", List.of("journal.postgres")),
          Map.entry("org.flywaydb", List.of("journal.postgres")),
          Map.entry("javax.sql", List.of("journal.postgres")),
          Map.entry("ai.djl", List.of("compute.djl")),
          Map.entry(
              "org.slf4j",
              List.of("run", "replay", "projection", "api", "journal.rocksdb", "client")),
          Map.entry("io.micrometer", List.of("metrics", "client")),
          Map.entry("org.springframework", List.of("api")),
          Map.entry("reactor", List.of("api")),
          Map.entry("io.netty", List.of("api")),
          Map.entry("org.reactivestreams", List.of("api")),
          Map.entry("tools.jackson", List.of("api", "client")),
          Map.entry("com.fasterxml.jackson", List.of("api")),
          Map.entry("com.github.benmanes.caffeine", List.of("access", "api")));

  private static final List<String> IMPLEMENTATIONS =
      List.of(
          "resure.compute.jvm",
          "resure.compute.djl",
          "resure.journal.rocksdb",
          "resure.journal.postgres");

  private static final JavaClasses OURS = ours();

  private static JavaClasses ours() {
    String tests = path(PackagesTest.class);
    return new ClassFileImporter()
        .withImportOption(location -> !location.contains(tests))
        .importPackages("resure");
  }

  private static String path(Class<?> type) {
    return type.getProtectionDomain().getCodeSource().getLocation().getPath();
  }

  @Test
  void everyPackageIsInTheTable() {
    TreeSet<String> packages = new TreeSet<>();
    OURS.forEach(c -> packages.add(nameOf(c.getPackageName())));
    packages.remove("");

    assertThat(packages).containsExactlyInAnyOrderElementsOf(USES.keySet());
  }

  @Test
  void packagesUseWhatTheTableSaysAndNothingElse() {
    TreeSet<String> faults = new TreeSet<>();
    for (JavaClass type : OURS) {
      String from = nameOf(type.getPackageName());
      for (Dependency dependency : type.getDirectDependenciesFromSelf()) {
        String target = dependency.getTargetClass().getBaseComponentType().getPackageName();
        if (!from.isEmpty() && !mayUse(from, target)) {
          faults.add(from + " uses " + target + " (" + dependency.getDescription() + ")");
        }
      }
    }

    assertThat(faults).isEmpty();
  }

  private static boolean mayUse(String from, String target) {
    if (target.equals("resure") || target.startsWith("resure.")) {
      String to = nameOf(target);
      return to.equals(from)
          || VALUES_USE.getOrDefault(from, VALUES).contains(to)
          || USES.getOrDefault(from, List.of()).contains(to);
    }
    return target.isEmpty()
        || target.startsWith("java.")
        || target.startsWith("javax.net.")
        || target.startsWith("org.jspecify.")
        || LIBRARIES.entrySet().stream()
            .anyMatch(e -> target.startsWith(e.getKey()) && e.getValue().contains(from));
  }

  private static String nameOf(String packageName) {
    return packageName.equals("resure") ? "" : packageName.substring("resure.".length());
  }

  @Test
  void theEdgesKnowOfTheJournalOnlyTheNameOfARunAndHowAStoreFails() {
    TreeSet<String> known = new TreeSet<>();
    for (JavaClass type : OURS) {
      String from = nameOf(type.getPackageName());
      if (from.equals("api") || from.equals("metrics")) {
        for (Dependency dependency : type.getDirectDependenciesFromSelf()) {
          if (dependency.getTargetClass().getPackageName().equals("resure.journal")) {
            known.add(dependency.getTargetClass().getSimpleName());
          }
        }
      }
    }

    assertThat(known)
        .isSubsetOf("RunKey", "Incarnation", "JournalException", "CorruptJournalException");
  }

  @Test
  void theEdgesKnowOfComputeOnlyWhatRuns() {
    TreeSet<String> known = new TreeSet<>();
    for (JavaClass type : OURS) {
      String from = nameOf(type.getPackageName());
      if (from.equals("api") || from.equals("metrics")) {
        for (Dependency dependency : type.getDirectDependenciesFromSelf()) {
          if (dependency.getTargetClass().getPackageName().equals("resure.compute")) {
            known.add(dependency.getTargetClass().getSimpleName());
          }
        }
      }
    }

    assertThat(known).containsExactly("ComputeStatus");
  }

  @Test
  void theServiceDoesNotUseTheClient() {
    noClasses()
        .that()
        .resideOutsideOfPackage("resure.client")
        .should()
        .dependOnClassesThat()
        .resideInAPackage("resure.client")
        .check(OURS);
  }

  @Test
  void thereAreNoCycles() {
    slices().matching("resure.(**)").should().beFreeOfCycles().check(OURS);
  }

  @Test
  void onlyTheRootNamesAnImplementation() {
    for (String implementation : IMPLEMENTATIONS) {
      noClasses()
          .that()
          .resideOutsideOfPackages("resure", implementation)
          .should()
          .dependOnClassesThat()
          .resideInAPackage(implementation)
          .check(OURS);
    }
  }

  @Test
  void anImplementationShowsItsFactoryOnly() {
    List<String> shown =
        OURS.stream()
            .filter(type -> IMPLEMENTATIONS.contains(type.getPackageName()))
            .filter(type -> type.isTopLevelClass())
            .filter(type -> type.getModifiers().contains(JavaModifier.PUBLIC))
            .map(JavaClass::getSimpleName)
            .toList();

    assertThat(shown)
        .containsExactlyInAnyOrder(
            "JvmCompute", "JvmSweep", "DjlBackend", "RocksDbJournal", "PostgresJournal");
  }

  @Test
  void namesSayWhatAClassIs() {
    classes()
        .should()
        .haveNameNotMatching(".*(Manager|Utils?|Helper|Impl|Base|Common)")
        .andShould()
        .resideOutsideOfPackages("..util..", "..common..", "..model..", "..dto..")
        .check(OURS);
  }
}
