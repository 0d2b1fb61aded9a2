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
# Young objects get 4 MiB: with what Node.js chooses, a mesh of 10,000 resources takes a fifth more memory, and nothing is faster.
ENTRYPOINT ["/nodejs/bin/node", "--max-semi-space-size=4", "/egress-guard/egress-guard.js"]
