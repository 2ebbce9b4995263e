package resure.deploy;

import com.google.gson.JsonElement;
import com.google.gson.JsonParser;
import java.lang.reflect.InvocationTargetException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import tools.jackson.databind.JsonNode;

/** What is asked of rendered objects, each and together. */
final class KubernetesObjects {

  private KubernetesObjects() {}

  /** What of one its kind does not know, or misses. */
  static List<String> faults(JsonNode object) {
    return switch (object.get("kind").asString()) {
      case "ServiceMonitor" -> ofServiceMonitor(object.get("spec"));
      case "PrometheusRule" -> ofPrometheusRule(object.get("spec"));
      case "HTTPRoute" -> ofHttpRoute(object.get("spec"));
      default -> ofModel(object);
    };
  }

  /** By the class that Kubernetes' own description of its interface was made into. */
  private static List<String> ofModel(JsonNode object) {
    String version = object.get("apiVersion").asString().replaceFirst(".*/", "");
    String name = version.toUpperCase(Locale.ROOT) + object.get("kind").asString();
    try {
      Class.forName("io.kubernetes.client.openapi.models." + name)
          .getMethod("validateJsonElement", JsonElement.class)
          .invoke(null, JsonParser.parseString(object.toString()));
      return List.of();
    } catch (InvocationTargetException e) {
      return List.of(String.valueOf(e.getCause()));
    } catch (ReflectiveOperationException e) {
      throw new AssertionError(e);
    }
  }

  private static List<String> ofServiceMonitor(JsonNode spec) {
    List<String> faults = new ArrayList<>();
    only(
        faults,
        spec,
        Set.of("selector", "namespaceSelector", "endpoints"),
        Set.of("selector", "endpoints"));
    for (JsonNode endpoint : spec.path("endpoints")) {
      only(
          faults,
          endpoint,
          Set.of("port", "path", "interval", "authorization"),
          Set.of("port", "path", "interval"));
      if (endpoint.has("authorization")) {
        only(
            faults,
            endpoint.get("authorization"),
            Set.of("type", "credentials"),
            Set.of("credentials"));
        only(
            faults,
            endpoint.at("/authorization/credentials"),
            Set.of("name", "key"),
            Set.of("name", "key"));
      }
    }
    return faults;
  }

  private static List<String> ofPrometheusRule(JsonNode spec) {
    List<String> faults = new ArrayList<>();
    only(faults, spec, Set.of("groups"), Set.of("groups"));
    for (JsonNode group : spec.path("groups")) {
      only(faults, group, Set.of("name", "rules"), Set.of("name", "rules"));
      for (JsonNode rule : group.path("rules")) {
        only(
            faults,
            rule,
            Set.of("alert", "record", "expr", "for", "labels", "annotations"),
            Set.of("expr", rule.has("alert") ? "alert" : "record"));
      }
    }
    return faults;
  }

  private static List<String> ofHttpRoute(JsonNode spec) {
    List<String> faults = new ArrayList<>();
    only(faults, spec, Set.of("parentRefs", "hostnames", "rules"), Set.of("parentRefs", "rules"));
    for (JsonNode parent : spec.path("parentRefs")) {
      only(
          faults,
          parent,
          Set.of("group", "kind", "name", "namespace", "sectionName", "port"),
          Set.of("name"));
    }
    for (JsonNode rule : spec.path("rules")) {
      only(faults, rule, Set.of("matches", "backendRefs"), Set.of("backendRefs"));
      for (JsonNode match : rule.path("matches")) {
        only(faults, match, Set.of("path"), Set.of("path"));
        only(faults, match.get("path"), Set.of("type", "value"), Set.of("type", "value"));
      }
      for (JsonNode backend : rule.path("backendRefs")) {
        only(faults, backend, Set.of("name", "port"), Set.of("name", "port"));
      }
    }
    return faults;
  }

  private static void only(
      List<String> faults, JsonNode object, Set<String> known, Set<String> needed) {
    object.propertyNames().stream()
        .filter(name -> !known.contains(name))
        .forEach(name -> faults.add("unknown: " + name));
    needed.stream()
        .filter(
            name ->
                !object.has(name)
                    || object.get(name).isNull()
                    || object.get(name).isEmpty() && object.get(name).isContainer())
        .forEach(name -> faults.add("missing: " + name));
  }

  /** What points from one object to another that is not there. */
  static List<String> misfits(List<JsonNode> objects) {
    List<String> misfits = new ArrayList<>();
    JsonNode pod = Chart.pod(objects);
    JsonNode labels = pod.at("/metadata/labels");
    Set<String> ports = texts(pod, "/spec/containers/0/ports", "name");

    for (JsonNode object : objects) {
      String kind = object.get("kind").asString();
      JsonNode spec = object.path("spec");
      switch (kind) {
        case "Service" -> {
          within(misfits, kind, spec.get("selector"), labels);
          for (JsonNode port : spec.get("ports")) {
            known(misfits, kind, ports, port.get("targetPort"));
          }
        }
        case "StatefulSet", "Deployment", "PodDisruptionBudget" ->
            within(misfits, kind, spec.at("/selector/matchLabels"), labels);
        case "NetworkPolicy" -> within(misfits, kind, spec.at("/podSelector/matchLabels"), labels);
        case "HorizontalPodAutoscaler" ->
            known(
                misfits,
                kind,
                Set.of(Chart.only(objects, "Deployment").at("/metadata/name").asString()),
                spec.at("/scaleTargetRef/name"));
        case "Ingress" -> {
          for (JsonNode service : spec.findValues("service")) {
            backend(misfits, objects, service.get("name"), service.at("/port/name"));
          }
        }
        case "HTTPRoute" -> {
          for (JsonNode backends : spec.findValues("backendRefs")) {
            backends.forEach(b -> backend(misfits, objects, b.get("name"), b.get("port")));
          }
        }
        case "ServiceMonitor" -> {
          List<JsonNode> found =
              Chart.all(objects, "Service").stream()
                  .filter(s -> covers(spec.at("/selector/matchLabels"), s.at("/metadata/labels")))
                  .toList();
          if (found.size() != 1) {
            misfits.add("ServiceMonitor selects " + found.size());
          } else {
            known(
                misfits,
                kind,
                texts(found.getFirst(), "/spec/ports", "name"),
                spec.at("/endpoints/0/port"));
          }
        }
        default -> {}
      }
    }

    JsonNode spec = pod.get("spec");
    for (JsonNode probe : spec.findValues("httpGet")) {
      known(misfits, "probe", ports, probe.get("port"));
    }
    Set<String> volumes = texts(spec, "/volumes", "name");
    for (JsonNode set : Chart.all(objects, "StatefulSet")) {
      for (JsonNode claim : set.at("/spec/volumeClaimTemplates")) {
        volumes.add(claim.at("/metadata/name").asString());
      }
    }
    Set<String> mounted = texts(spec, "/containers/0/volumeMounts", "name");
    if (!volumes.equals(mounted)) {
      misfits.add("volumes " + volumes + " and mounts " + mounted);
    }
    return misfits;
  }

  private static void backend(
      List<String> misfits, List<JsonNode> objects, JsonNode name, JsonNode port) {
    for (JsonNode service : Chart.all(objects, "Service")) {
      if (service.at("/metadata/name").equals(name)) {
        for (JsonNode each : service.at("/spec/ports")) {
          if (each.get("name").equals(port) || each.get("port").asInt() == port.asInt(-1)) {
            return;
          }
        }
      }
    }
    misfits.add("no service " + name + " with port " + port);
  }

  private static Set<String> texts(JsonNode node, String list, String field) {
    Set<String> texts = new HashSet<>();
    node.at(list).forEach(each -> texts.add(each.get(field).asString()));
    return texts;
  }

  private static void known(List<String> misfits, String where, Set<String> known, JsonNode name) {
    if (!known.contains(name.asString())) {
      misfits.add(where + ": " + name + " is not one of " + known);
    }
  }

  private static void within(
      List<String> misfits, String where, JsonNode selector, JsonNode labels) {
    if (selector.isEmpty() || !covers(selector, labels)) {
      misfits.add(where + ": " + selector + " does not select " + labels);
    }
  }

  private static boolean covers(JsonNode selector, JsonNode labels) {
    return selector.propertyStream().allMatch(e -> e.getValue().equals(labels.get(e.getKey())));
  }

  /** What a pod may that the restricted profile of Kubernetes' Pod Security Standards forbids. */
  static List<String> liberties(JsonNode spec) {
    List<String> liberties = new ArrayList<>();
    for (String host : List.of("hostNetwork", "hostPID", "hostIPC")) {
      if (spec.path(host).asBoolean(false)) {
        liberties.add(host);
      }
    }
    JsonNode pod = spec.path("securityContext");
    if (!pod.path("runAsNonRoot").asBoolean(false) || pod.path("runAsUser").asInt(0) == 0) {
      liberties.add("root");
    }
    if (!pod.at("/seccompProfile/type").asString("").equals("RuntimeDefault")) {
      liberties.add("seccomp");
    }
    for (JsonNode volume : spec.path("volumes")) {
      for (String name : volume.propertyNames()) {
        if (!Set.of("name", "emptyDir", "secret", "configMap", "persistentVolumeClaim", "projected")
            .contains(name)) {
          liberties.add("volume " + name);
        }
      }
    }
    for (JsonNode container : spec.get("containers")) {
      JsonNode security = container.path("securityContext");
      if (security.path("privileged").asBoolean(false)
          || security.path("allowPrivilegeEscalation").asBoolean(true)) {
        liberties.add("privileges");
      }
      if (!security.at("/capabilities/drop").toString().equals("[\"ALL\"]")
          || security.at("/capabilities").has("add")) {
        liberties.add("capabilities");
      }
      if (!security.path("readOnlyRootFilesystem").asBoolean(false)) {
        liberties.add("root file system");
      }
      if (!container.findValues("hostPort").isEmpty()) {
        liberties.add("host port");
      }
    }
    return liberties;
  }
}
