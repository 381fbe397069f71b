#!/usr/bin/env bash
# Build the three images of one version and push them.
#   IMAGES=ghcr.io/you TAG=1.2.3 scripts/release/publish_images.sh     needs docker, logged in
set -euo pipefail
: "${IMAGES:?set IMAGES to where the images go, such as ghcr.io/you}"
: "${TAG:?set TAG to the version, such as 1.2.3}"
cd "$(dirname "$0")/../.."
images=${IMAGES,,}  # a registry takes lower case only
for target in serve app pipeline; do
  docker build --target "$target" --tag "$images/gamerec-$target:$TAG" \
    --label "org.opencontainers.image.version=$TAG" \
    --label "org.opencontainers.image.revision=$(git rev-parse HEAD)" \
    ${SOURCE:+--label "org.opencontainers.image.source=$SOURCE"} .
done
for target in serve app pipeline; do
  docker push "$images/gamerec-$target:$TAG"
done
