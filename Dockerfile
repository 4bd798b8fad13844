# syntax=docker/dockerfile:1
# One image for every part of Tidemark: worker (the default), push, migrate, and the command line.
# test/production runs these steps, in their order, without Docker.
ARG NODE_IMAGE=node:24.21.0-bookworm-slim

FROM ${NODE_IMAGE} AS build
# The slim image has no CA certificates, and Temporal's native part uses the system's.
RUN apt-get update && apt-get install --yes --no-install-recommends ca-certificates
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci --ignore-scripts --loglevel=error
COPY tsconfig.json tsconfig.build.json ./
COPY scripts scripts
COPY deploy/prune-modules.mjs deploy/
COPY src src
RUN node scripts/build.ts
RUN node deploy/prune-modules.mjs
RUN rm -r deploy scripts src tsconfig.json tsconfig.build.json

FROM ${NODE_IMAGE}
LABEL org.opencontainers.image.title="Tidemark" \
      org.opencontainers.image.description="An exact, durable mirror of Gmail mailboxes in your own database, run by Temporal" \
      org.opencontainers.image.licenses="Apache-2.0"
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=build /app /app
COPY LICENSE /app/LICENSE
RUN ln -s /app/dist/cli/main.js /usr/local/bin/tidemark
# scripts/run-entry.mjs sets the same two memory settings and says why.
ENV NODE_ENV=production \
    NODE_OPTIONS=--max-semi-space-size=4 \
    MALLOC_ARENA_MAX=2 \
    TIDEMARK_DATA_DIR=/tmp/tidemark \
    METRICS_ADDRESS=0.0.0.0:9464 \
    HEALTH_ADDRESS=0.0.0.0:8081
WORKDIR /tmp
USER node
EXPOSE 8081 9464
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 \
  CMD ["node", "-e", "fetch('http://127.0.0.1:8081/healthz').then((answer) => process.exit(answer.ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["node", "/app/dist/cli/main.js"]
CMD ["worker"]
