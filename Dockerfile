# The packaged service and a Java runtime; build the jar first (README.md, "Run it in containers").
ARG BASE=eclipse-temurin:25-jre
FROM ${BASE} AS extracted
COPY service/target/resure-service.jar /resure-service.jar
# What others made, which is nearly all and seldom changes, and ours: a layer each.
RUN java -Djarmode=tools -jar /resure-service.jar extract --layers --destination /extracted

FROM ${BASE}

# A volume takes the owner that the directory has here. It must be empty: others' files are refused.
RUN useradd --system --uid 10001 --user-group --no-create-home --home-dir /nonexistent resure \
    && mkdir /var/lib/resure \
    && chown resure:resure /var/lib/resure
COPY --from=extracted /extracted/dependencies/ /opt/resure/
COPY --from=extracted /extracted/application/ /opt/resure/

USER 10001
# Written to: the volume, and /tmp, where native libraries are unpacked. The rest can be read-only.
ENV RESURE_STATE_DIRECTORY=/var/lib/resure
VOLUME /var/lib/resure
EXPOSE 8080 8081
ENTRYPOINT ["java", "-jar", "/opt/resure/resure-service.jar"]
