# syntax=docker/dockerfile:1
# Two images: `runner` (the default) and `gateway`, with --target. Nothing but the program, the few libraries it is linked
# to, and empty places to mount into: no shell, no package manager. `doctor` is built in.

# What the programs are built in: Rust with rustup, and a C compiler.
ARG BUILD_BASE=rust:1.95-bookworm

FROM ${BUILD_BASE} AS build
WORKDIR /src
COPY . .
# The commit that the program says it is; the folder .git does not come along.
ARG COMMIT=
# Dependencies and what was built of them stay in the caches between builds; what leaves is copied out of them.
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/src/target \
    SEMILAYER_GIT_COMMIT="${COMMIT}" cargo build --release --locked -p semilayer-runner -p semilayer-gateway && \
    rustup target add wasm32-wasip2 && \
    (cd connectors/components && cargo build --release --locked --workspace --target wasm32-wasip2 --target-dir /src/target/components) && \
    deploy/image/gather /src/target /image

FROM scratch AS gateway
COPY --from=build /image/gateway /
USER 65532:65532
ENV DATABASE_URL=sqlite:///var/lib/semilayer/gateway.db GATEWAY_LISTEN=0.0.0.0:3001
VOLUME ["/var/lib/semilayer"]
EXPOSE 3001
STOPSIGNAL SIGTERM
ENTRYPOINT ["/usr/local/bin/semilayer-gateway"]
CMD ["serve"]
LABEL org.opencontainers.image.title="semilayer-gateway" \
      org.opencontainers.image.description="The other end of semilayer-runner: callers, runners, records, console" \
      org.opencontainers.image.licenses="Apache-2.0"

FROM scratch AS runner
COPY --from=build /image/runner /
USER 65532:65532
ENV SEMILAYER_CACHE_DIR=/var/cache/semilayer
VOLUME ["/var/cache/semilayer"]
STOPSIGNAL SIGTERM
# Asks the runner's own port where PORT is set, and is content where nothing listens.
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s CMD ["/usr/local/bin/semilayer-runner", "healthcheck"]
# What follows the image's name is a command: doctor, status …; nothing is `start`.
ENTRYPOINT ["/usr/local/bin/semilayer-runner"]
LABEL org.opencontainers.image.title="semilayer-runner" \
      org.opencontainers.image.description="Dials out to a gateway and runs its query jobs against the databases of this network" \
      org.opencontainers.image.licenses="Apache-2.0"
