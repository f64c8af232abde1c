# syntax=docker/dockerfile:1
# SPDX-License-Identifier: Apache-2.0
#
# docker build --tag sidegate .
# docker run --rm --publish 8080:8080 sidegate demo --listen 0.0.0.0:8080

# Both stages are of one Debian release, so that the binary finds the libraries it was linked with.
ARG SWIFT_IMAGE=swift:6.3-bookworm
ARG RUNTIME_IMAGE=debian:bookworm-slim

FROM ${SWIFT_IMAGE} AS build
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends libnghttp2-dev libssl-dev libyaml-dev pkg-config \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /source
# Dependencies first: they rarely change.
COPY Package.swift ./
RUN swift package resolve
# The manifest names the tests' targets, so their folders must be there.
COPY Sources Sources
COPY Tests Tests
COPY Fuzzing Fuzzing
RUN swift build --configuration release --static-swift-stdlib --disable-local-rpath --product sidegate \
    && strip -o /sidegate "$(swift build --configuration release --static-swift-stdlib --disable-local-rpath --show-bin-path)/sidegate"

FROM ${RUNTIME_IMAGE}
LABEL org.opencontainers.image.title="Sidegate" \
    org.opencontainers.image.description="JWT redirect single sign-on in front of a web app that has none" \
    org.opencontainers.image.licenses="Apache-2.0"
# The linked libraries, and the authorities for HTTPS. Swift's own libraries are linked statically. No program changes its
# user: nothing here needs that.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends \
        ca-certificates libnghttp2-14 libssl3 libstdc++6 libyaml-0-2 \
    && apt-get clean \
    && rm -rf /var/lib/apt/lists/* /var/cache/debconf /var/log/* \
    && find / -xdev -type f -perm /6000 -exec chmod a-s {} +
COPY --from=build --chmod=0755 /sidegate /usr/bin/sidegate
# The versions of the Swift packages in the program, for scanners.
COPY --from=build --chmod=0644 /source/Package.resolved /usr/share/doc/sidegate/Package.resolved
# A number, so that runAsNonRoot can be verified without reading the image.
USER 65532:65532
EXPOSE 8080 9180
STOPSIGNAL SIGTERM
# Requests /healthz at admin.listen. No shell, no curl.
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s --retries=3 CMD ["/usr/bin/sidegate", "healthcheck"]
ENTRYPOINT ["/usr/bin/sidegate"]
CMD ["run"]
