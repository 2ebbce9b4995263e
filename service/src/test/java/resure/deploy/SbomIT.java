package resure.deploy;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Path;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.jar.JarFile;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * The list of what is in the packaged service (CycloneDX), which is within it, and what it says.
 */
class SbomIT {

  private static final Path JAR = Path.of("target", "resure-service.jar");
  private static final String LIBRARIES = "BOOT-INF/lib/";

  /**
   * Licences under which others' code may be part of the jar: none of them asks for anything but to
   * be named, or for sources of changes to that code itself, of which there are none. Of several
   * that are offered one is enough.
   */
  private static final Set<String> ALLOWED =
      Set.of(
          "Apache-2.0",
          "BSD-2-Clause",
          "BSD-3-Clause",
          "CC0-1.0",
          "EPL-1.0",
          "EPL-2.0",
          "MIT",
          "MIT-0",
          "MPL-2.0",
          "Public Domain");

  private static JsonNode sbom;
  private static final Set<String> libraries = new TreeSet<>();

  @BeforeAll
  static void read() throws IOException {
    try (JarFile jar = new JarFile(JAR.toFile())) {
      String location = jar.getManifest().getMainAttributes().getValue("Sbom-Location");
      assertThat(location).as("Maven leaves the list out where it is offline (-o)").isNotNull();
      try (InputStream in = jar.getInputStream(jar.getEntry(location))) {
        sbom = JsonMapper.shared().readTree(in);
      }
      jar.stream()
          .map(entry -> entry.getName())
          .filter(name -> name.startsWith(LIBRARIES) && name.endsWith(".jar"))
          .forEach(name -> libraries.add(name.substring(LIBRARIES.length(), name.length() - 4)));
    }
  }

  /** Name and version, which a library's file is called by. */
  private static String file(JsonNode component) {
    return component.get("name").asString() + "-" + component.get("version").asString();
  }

  @Test
  void everyLibraryOfTheJarIsListedAndNothingElse() {
    Set<String> listed = new TreeSet<>();
    sbom.get("components").forEach(component -> listed.add(file(component)));
    // What is not Java (a classifier, as of native code) is called by its classifier too.
    Set<String> unlisted = new TreeSet<>(libraries);
    unlisted.removeIf(name -> listed.stream().anyMatch(name::startsWith));
    // Spring Boot's plugin puts it in, for the image's build; it is no dependency.
    unlisted.removeIf(name -> name.startsWith("spring-boot-jarmode-tools-"));
    Set<String> unpacked = new TreeSet<>(listed);
    unpacked.removeIf(name -> libraries.stream().anyMatch(file -> file.startsWith(name)));

    assertThat(libraries).hasSizeGreaterThan(50);
    assertThat(unlisted).as("in the jar and not in the list").isEmpty();
    // Spring Boot leaves starters out of the jar, which hold nothing.
    unpacked.removeIf(name -> name.contains("-starter"));
    assertThat(unpacked).as("in the list and not in the jar").isEmpty();
  }

  @Test
  void everyLibraryIsUnderALicenceThatAllowsIt() {
    TreeMap<String, Set<String>> others = new TreeMap<>();
    for (JsonNode component : sbom.get("components")) {
      Set<String> licences = new TreeSet<>();
      for (JsonNode each : component.path("licenses")) {
        JsonNode licence = each.path("license");
        licences.add(
            licence.has("id")
                ? licence.get("id").asString()
                : licence.has("name")
                    ? licence.get("name").asString()
                    : each.path("expression").asString("none"));
      }
      boolean ours = component.path("group").asString("").equals("resure");
      if (!ours && licences.stream().noneMatch(ALLOWED::contains)) {
        others.put(file(component), licences);
      }
    }
    assertThat(others)
        .as("look at each: allow its licence in this test, or take another library")
        .isEmpty();
  }

  @Test
  void everythingIsOfARelease() {
    for (JsonNode component : sbom.get("components")) {
      assertThat(component.get("version").asString()).doesNotContainIgnoringCase("snapshot");
      assertThat(component.get("purl").asString()).startsWith("pkg:maven/");
    }
    assertThat(sbom.at("/metadata/component/name").asString()).isEqualTo("resure-service");
    assertThat(sbom.get("bomFormat").asString()).isEqualTo("CycloneDX");
  }
}
