#!/usr/bin/env bash
# Point the tag `production` of the three images to one version; all of them, or none.
#   IMAGES=ghcr.io/you TAG=1.2.3 scripts/release/promote_images.sh     needs docker, logged in
set -euo pipefail
: "${IMAGES:?set IMAGES to where the images are, such as ghcr.io/you}"
: "${TAG:?set TAG to the version to promote, such as 1.2.3}"
images=${IMAGES,,}
point() { docker buildx imagetools create --tag "$images/gamerec-$1:production" "$2"; }
digest() {
  docker buildx imagetools inspect "$images/gamerec-$1:production" \
    --format '{{.Manifest.Digest}}' 2>/dev/null || true
}
declare -A before
moved=()
for target in serve app pipeline; do
  before[$target]=$(digest "$target")
  if point "$target" "$images/gamerec-$target:$TAG"; then
    moved+=("$target")
    continue
  fi
  echo "gamerec-$target:$TAG cannot be promoted; going back" >&2
  for other in "${moved[@]}"; do
    [ -z "${before[$other]}" ] || point "$other" "$images/gamerec-$other@${before[$other]}"
  done
  exit 1
done
echo "gamerec $TAG is production"
