# The webhook and command line as an image: `docker build --tag egress-guard .`
# It needs no shell, no network and nothing writable: run it with a read-only root file system.

FROM node:24-bookworm-slim AS build
WORKDIR /build
COPY package.json package-lock.json ./
RUN npm ci
COPY build.ts ./
COPY src ./src
RUN npm run build

FROM gcr.io/distroless/nodejs24-debian12:nonroot
WORKDIR /egress-guard
COPY --from=build /build/dist ./
# A number: Kubernetes cannot tell that a name is not root's (`runAsNonRoot`).
USER 65532:65532
# The webhook; health and metrics.
EXPOSE 9443 9090
ENTRYPOINT ["/nodejs/bin/node", "/egress-guard/egress-guard.js"]
