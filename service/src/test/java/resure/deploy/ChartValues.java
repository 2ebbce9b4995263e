package resure.deploy;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.regex.Pattern;

/** Values that the chart is rendered with: a matrix, and those that its document shows. */
public final class ChartValues {

  static final String TOKENS = "access: {tokens: {secret: resure-tokens}}\n";

  static final String POSTGRES =
      """
      store:
        kind: postgres
        postgres:
          url: jdbc:postgresql://db:5432/resure
          secret: resure-db
      """;

  private static final String OIDC =
      """
      access:
        oidc:
          issuer: https://id.example
          audience: resure
      """;

  private ChartValues() {}

  /** All of them by what they are. */
  public static Map<String, String> all() {
    Map<String, String> access = new LinkedHashMap<>();
    access.put("tokens", TOKENS);
    access.put("oidc", OIDC);
    access.put("both", OIDC + "  tokens: {secret: resure-tokens, key: file}\n");
    access.put("anonymous", "access: {anonymous: true}\n");
    Map<String, String> stores = new LinkedHashMap<>();
    stores.put("embedded", "");
    stores.put("postgres", POSTGRES + "replicas: 3\n");
    Map<String, String> extras = new LinkedHashMap<>();
    extras.put("alone", "");
    extras.put("with everything", EVERYTHING);

    Map<String, String> values = new LinkedHashMap<>();
    access.forEach(
        (who, a) ->
            stores.forEach(
                (where, s) ->
                    extras.forEach(
                        (what, e) -> values.put(who + " " + where + " " + what, a + s + e))));
    values.put("stopped", TOKENS + "replicas: 0\n");
    values.put(
        "another store's volume",
        TOKENS
            + "store: {embedded: {storageClass: fast, size: 1Ti, retain: false, backups: {enabled:"
            + " false}}}\n");
    values.put("scaled", TOKENS + POSTGRES + "autoscaling: {enabled: true}\n");
    values.put("authenticated database", TOKENS + POSTGRES + "    ca: {secret: db-ca}\n");
    values.put(
        "nothing that can be left out",
        "access: {anonymous: true}\n"
            + "networkPolicy: {enabled: false}\n"
            + "podDisruptionBudget: {enabled: false}\n"
            + "spread: []\n");
    values.put(
        "shut off",
        TOKENS
            + "networkPolicy: {clients: [], monitoring: [], egress: [{to: [{ipBlock: {cidr:"
            + " 10.0.0.0/8}}], ports: [{port: 5432}]}]}\n");
    values.putAll(documented());
    return values;
  }

  private static final String EVERYTHING =
      """
      image: {repository: registry.example/resure, digest: "sha256:%s", pullSecrets: [pull]}
      properties:
        resure.durability: os
        resure.limits.queued-losses: 4194304
        resure.limits.body: 16MB
        resure.retention.idle-runs: 30d
        logging.level.resure: debug
      env:
        - {name: HTTPS_PROXY, value: "http://proxy:3128"}
        - {name: OF_A_SECRET, valueFrom: {secretKeyRef: {name: s, key: k}}}
      gpu: {enabled: true, count: 2, libtorch: /opt/libtorch/lib, runtimeClass: nvidia, nodeSelector: {gpu: h}}
      service: {type: LoadBalancer, port: 443, annotations: {a: b}}
      tls: {secret: resure-tls}
      ingress: {enabled: true, className: nginx, controller: nginx, affinity: true, hosts: [resure.example], tlsSecret: edge, annotations: {a: b}}
      gateway: {enabled: true, parentRefs: [{name: public, namespace: gateways, sectionName: https}], hostnames: [resure.example]}
      monitoring:
        serviceMonitor: {enabled: true, labels: {release: prometheus}, token: {secret: resure-metrics}}
        rules: {enabled: true, labels: {release: prometheus}}
        dashboards: {enabled: true, annotations: {grafana_folder: ReSURE}}
      nodeSelector: {disk: ssd}
      tolerations: [{key: training, operator: Exists}]
      affinity: {nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: [{matchExpressions: [{key: zone, operator: Exists}]}]}}}
      priorityClassName: high
      serviceAccountName: resure
      podAnnotations: {a: b}
      podLabels: {team: a}
      """
          .formatted("0".repeat(64));

  /** Every file of values that the chart's document shows, by its section. */
  static Map<String, String> documented() {
    Map<String, String> documented = new LinkedHashMap<>();
    for (String section : ComposeFile.text(Chart.FOLDER + "/README.md").split("(?m)^## ")) {
      Pattern.compile("```yaml\n(.*?)```", Pattern.DOTALL)
          .matcher(section)
          .results()
          .forEach(
              m ->
                  documented.put(
                      "README: %s %d"
                          .formatted(
                              section.lines().findFirst().orElseThrow(), documented.size() + 1),
                      m.group(1)));
    }
    return documented;
  }
}
