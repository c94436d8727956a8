# The service's image. Two contexts work: this repository (--build-arg SRC=.), and a larger tree in which it is checked out
# as instrument_registry/, as the platform's compose file has it.
ARG RUST_IMAGE=rust:1.95-slim-bookworm
ARG RUNTIME_IMAGE=debian:bookworm-slim

FROM ${RUST_IMAGE} AS build
WORKDIR /build
# The allocator is built by make, which the image does not have.
RUN apt-get update && apt-get install --yes --no-install-recommends make && rm -rf /var/lib/apt/lists/* /var/cache/apt/*
# Lists what is compiled into the binary within the binary, where scanners find it.
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    cargo install --locked --root /usr/local cargo-auditable@0.7.7
ARG SRC=instrument_registry
# Sources alone: documents and scripts must not make the layers below anew.
COPY ${SRC}/Cargo.toml ${SRC}/Cargo.lock ./
COPY ${SRC}/planning planning
COPY ${SRC}/actors actors
COPY ${SRC}/migrations migrations
COPY ${SRC}/loadtest loadtest
COPY ${SRC}/benches benches
COPY ${SRC}/config-standin config-standin
COPY ${SRC}/tests tests
COPY ${SRC}/src src
# What was compiled before is kept between builds, dependencies first of all.
ENV CARGO_PROFILE_RELEASE_DEBUG=none CARGO_PROFILE_RELEASE_STRIP=symbols
# Which sources are newer Cargo tells by their times, and those may be older than what another tree left in the cache.
RUN --mount=type=cache,target=/usr/local/cargo/registry --mount=type=cache,target=/build/target \
    find . -name '*.rs' -not -path './target/*' -exec touch {} + \
    && cargo auditable build --locked --release --features tls --bin instrument-registry \
    && cargo auditable build --locked --release --package config-standin \
    && install -D --target-directory=/out target/release/instrument-registry target/release/config-standin

# The stand-in for the config service, for the stack that runs by itself (deploy/compose.yaml).
FROM ${RUNTIME_IMAGE} AS config-standin
RUN apt-get update && apt-get install --yes --no-install-recommends curl ca-certificates && rm -rf /var/lib/apt/lists/* /var/cache/apt/*
COPY --from=build /out/config-standin /usr/local/bin/
USER 10001:10001
ENTRYPOINT ["config-standin"]

# Last, so that it is what is built where no target is named.
FROM ${RUNTIME_IMAGE} AS service
ARG PORT=8901
RUN apt-get update && apt-get install --yes --no-install-recommends curl ca-certificates && rm -rf /var/lib/apt/lists/* /var/cache/apt/* \
    && useradd --system --uid 10001 --user-group --home-dir /nonexistent --no-create-home --shell /usr/sbin/nologin registry
COPY --from=build /out/instrument-registry /usr/local/bin/
LABEL org.opencontainers.image.title="instrument-registry" \
      org.opencontainers.image.description="Instrument registry with a concurrent subscription-planning engine" \
      org.opencontainers.image.licenses="Apache-2.0"
# Everything that is written goes to the database; DATA_DIR need not be writable.
ENV PORT=${PORT} BIND_ADDRESS=0.0.0.0 ENVIRONMENT=prod DATA_DIR=/data
EXPOSE ${PORT}
USER 10001:10001
HEALTHCHECK --interval=30s --timeout=10s --retries=3 --start-period=40s CMD curl -fsS "http://localhost:${PORT}/health"
ENTRYPOINT ["instrument-registry"]
CMD ["serve"]
