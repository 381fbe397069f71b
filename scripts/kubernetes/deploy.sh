#!/usr/bin/env bash
# Put one version of gamerec on a cluster, wait for it, ask it, and go back where it does not answer.
#   IMAGES=ghcr.io/you TAG=1.2.3 scripts/kubernetes/deploy.sh [overlay]     needs kubectl, set up
set -euo pipefail
: "${IMAGES:?set IMAGES to where the images are, such as ghcr.io/you}"
: "${TAG:?set TAG to the version to put live, such as 1.2.3}"
IMAGES=${IMAGES,,}  # a registry takes lower case only
base=${1:-base}
here=$(cd "$(dirname "$0")" && pwd)
[ -f "$here/$base/kustomization.yaml" ] || { echo "there is no $base: base, overlays/..." >&2; exit 2; }
live() { kubectl --namespace gamerec "$@"; }

# The images of this version, over what is in the repository.
version=$(mktemp -d "$here/.version.XXXXXX")
trap 'rm -rf "$version"' EXIT
{
  printf 'apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\n'
  printf 'resources: [../%s]\nimages:\n' "$base"
  for target in serve app pipeline; do
    printf '  - {name: ghcr.io/OWNER/gamerec-%s, newName: %s/gamerec-%s, newTag: "%s"}\n' \
      "$target" "$IMAGES" "$target" "$TAG"
  done
} > "$version/kustomization.yaml"

before=$(live get deployments --output name 2>/dev/null || true)
pipeline=$(live get cronjob gamerec-pipeline --ignore-not-found \
  --output 'jsonpath={.spec.jobTemplate.spec.template.spec.containers[0].image}' 2>/dev/null || true)
kubectl apply --kustomize "$version"

deployments=$(live get deployments --selector app.kubernetes.io/name=gamerec --output name)
ready() {
  for deployment in $deployments; do
    live rollout status "$deployment" --timeout "${PATIENCE:-300}s" || return 1
  done
  # Through the cluster's own proxy: no port of the service has to be open to whoever deploys.
  kubectl get --raw /api/v1/namespaces/gamerec/services/gamerec-serve:http/proxy/readyz
}
if ready; then
  echo "gamerec $TAG is live"
  exit 0
fi
echo "gamerec $TAG does not come up; going back" >&2
for deployment in $deployments; do
  case " $(echo "$before" | tr '\n' ' ')" in
    *" $deployment "*) live rollout undo "$deployment" ;;
    *) echo "$deployment is new: there is nothing to go back to" >&2 ;;
  esac
done
[ -z "$pipeline" ] || live set image cronjob/gamerec-pipeline "pipeline=$pipeline"
exit 1
