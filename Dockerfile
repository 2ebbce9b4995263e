# The packaged service and a Java runtime; build the jar first (README.md, "Run it in containers").
ARG BASE=eclipse-temurin:25-jre
FROM ${BASE} AS extracted
COPY service/target/resure-service.jar /resure-service.jar
# What others made, which is nearly all and seldom changes, and ours: a layer each.
RUN java -Djarmode=tools -jar /resure-service.jar extract --layers --destination /extracted

FROM ${BASE}
ARG BASE=eclipse-temurin:25-jre
ARG VERSION=0.1.0
# The commit that it is built of, and when, for those who look at the image later.
ARG REVISION=unknown
ARG CREATED=unknown
LABEL org.opencontainers.image.title="ReSURE" \
      org.opencontainers.image.description="Scores the reliability of supervision, turn by turn, while a dialogue model is fine-tuned" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.base.name="${BASE}" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.created="${CREATED}" \
      resure.sbom="/opt/resure/sbom.cdx.json"

# A volume takes the owner that the directory has here. It must be empty: others' files are refused.
RUN useradd --system --uid 10001 --user-group --no-create-home --home-dir /nonexistent resure \
    && mkdir /var/lib/resure \
    && chown resure:resure /var/lib/resure
# Half of the container's memory is heap; what Netty, RocksDB and the JVM itself take has the other. Replaced as a whole
# where it is set again. G1 is said because the JVM takes another collector for less than two processors or 1,792 MB.
ENV JAVA_TOOL_OPTIONS="-XX:MaxRAMPercentage=50 -XX:+UseG1GC -XX:+ExitOnOutOfMemoryError"
COPY service/target/classes/META-INF/sbom/application.cdx.json /opt/resure/sbom.cdx.json
COPY --from=extracted /extracted/dependencies/ /opt/resure/
COPY --from=extracted /extracted/application/ /opt/resure/
# What the JVM would do anew at every start, done once: bound to this runtime and these files.
COPY docker/train /tmp/train
RUN /tmp/train /opt/resure/resure.aot -jar /opt/resure/resure-service.jar && rm -rf /tmp/*

USER 10001
# Written to: the volume, and /tmp, where native libraries are unpacked. The rest can be read-only.
ENV RESURE_STATE_DIRECTORY=/var/lib/resure
VOLUME /var/lib/resure
EXPOSE 8080 8081
# Readiness, asked for by the shell: nothing is installed for it.
HEALTHCHECK --interval=5s --timeout=3s --start-period=60s CMD ["bash", "-c", \
  "exec 3<>/dev/tcp/127.0.0.1/${MANAGEMENT_SERVER_PORT:-8081} && printf 'GET /actuator/health/readiness HTTP/1.0\\r\\nHost: localhost\\r\\n\\r\\n' >&3 && read -r _ status _ <&3 && [ \"$status\" = 200 ]"]
# Where the cache does not fit (another collector, say) the JVM says so, and starts without it.
ENTRYPOINT ["java", "-XX:AOTCache=/opt/resure/resure.aot", "-jar", "/opt/resure/resure-service.jar"]
