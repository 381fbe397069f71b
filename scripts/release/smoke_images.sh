#!/usr/bin/env bash
# Let the images of one version do their work once, on the sample: train, get ready, recommend.
#   IMAGES=ghcr.io/you TAG=1.2.3 scripts/release/smoke_images.sh     needs docker
set -euo pipefail
: "${IMAGES:?set IMAGES to where the images are, such as ghcr.io/you}"
: "${TAG:?set TAG to the version to try, such as 1.2.3}"
images=${IMAGES,,}
volume=$(docker volume create)
service=
clean() {
  [ -z "$service" ] || docker rm --force "$service" > /dev/null
  docker volume rm --force "$volume" > /dev/null
}
trap clean EXIT
docker run --rm --volume "$volume:/data" "$images/gamerec-pipeline:$TAG"
service=$(docker run --detach --publish 127.0.0.1::8000 --volume "$volume:/data" \
  "$images/gamerec-serve:$TAG")
if ! "$(dirname "$0")/smoke_test.sh" "http://$(docker port "$service" 8000/tcp)"; then
  docker logs --tail 50 "$service" >&2
  exit 1
fi
