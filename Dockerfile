# The service's image. Two build contexts are supported: this repository (--build-arg SRC=.), and a larger tree that has this
# repository as instrument_registry/, as in the platform's compose file.
ARG RUST_IMAGE=rust:1.95-slim-bookworm
ARG RUNTIME_IMAGE=debian:bookworm-slim

FROM ${RUST_IMAGE} AS build
WORKDIR /build
# The build of the allocator (jemalloc) needs make, which is not in the base image.
RUN apt-get update && apt-get install --yes --no-install-recommends make && rm -rf /var/lib/apt/lists/* /var/cache/apt/*
# Embeds a list of all dependencies in the binary, so that vulnerability scanners can read it.
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    cargo install --locked --root /usr/local cargo-auditable@0.7.7
ARG SRC=instrument_registry
# Only sources, so that a change of a document or script does not rebuild the layers below.
COPY ${SRC}/Cargo.toml ${SRC}/Cargo.lock ./
COPY ${SRC}/planning planning
COPY ${SRC}/store store
COPY ${SRC}/actors actors
COPY ${SRC}/migrations migrations
COPY ${SRC}/loadtest loadtest
COPY ${SRC}/benches benches
COPY ${SRC}/tools tools
COPY ${SRC}/tests tests
COPY ${SRC}/src src
# The binary contains the documents as pages.
COPY ${SRC}/docs docs
# No debug information and no symbols: they would make the image larger.
ENV CARGO_PROFILE_RELEASE_DEBUG=none CARGO_PROFILE_RELEASE_STRIP=symbols
# The cache mounts keep compiled code, mostly dependencies, between builds. Cargo decides by modification time whether a source
# changed, and the sources may be older than the output that another tree left in the cache; touch makes them newer.
RUN --mount=type=cache,target=/usr/local/cargo/registry --mount=type=cache,target=/build/target \
    find . -name '*.rs' -not -path './target/*' -exec touch {} + \
    && cargo auditable build --locked --release --bin instrument-registry \
    && cargo auditable build --locked --release --package config-standin \
    && install -D --target-directory=/out target/release/instrument-registry target/release/config-standin

# The stand-in for the config service, for the self-contained stack (deploy/compose.yaml).
FROM ${RUNTIME_IMAGE} AS config-standin
RUN apt-get update && apt-get install --yes --no-install-recommends curl ca-certificates && rm -rf /var/lib/apt/lists/* /var/cache/apt/*
COPY --from=build /out/config-standin /usr/local/bin/
USER 10001:10001
ENTRYPOINT ["config-standin"]

# The last stage, so that it is the default build target.
FROM ${RUNTIME_IMAGE} AS service
ARG PORT=8901
RUN apt-get update && apt-get install --yes --no-install-recommends curl ca-certificates && rm -rf /var/lib/apt/lists/* /var/cache/apt/* \
    && useradd --system --uid 10001 --user-group --home-dir /nonexistent --no-create-home --shell /usr/sbin/nologin registry
COPY --from=build /out/instrument-registry /usr/local/bin/
LABEL org.opencontainers.image.title="instrument-registry" \
      org.opencontainers.image.description="Instrument registry with a concurrent subscription-planning engine" \
      org.opencontainers.image.licenses="Apache-2.0"
# The service writes to the database only, so DATA_DIR does not have to be writable.
ENV PORT=${PORT} BIND_ADDRESS=0.0.0.0 ENVIRONMENT=prod DATA_DIR=/data
EXPOSE ${PORT}
USER 10001:10001
HEALTHCHECK --interval=30s --timeout=10s --retries=3 --start-period=40s CMD curl -fsS "http://localhost:${PROBE_PORT:-$PORT}/health"
ENTRYPOINT ["instrument-registry"]
CMD ["serve"]
