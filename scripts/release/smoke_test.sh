#!/usr/bin/env bash
# Whether a service is ready, within PATIENCE seconds (60), and recommends something.
#   scripts/release/smoke_test.sh http://127.0.0.1:8000
set -euo pipefail
url=${1:?say where the service is, such as http://127.0.0.1:8000}
ask() { curl --silent --show-error --fail --max-time 10 "$@"; }
end=$((SECONDS + ${PATIENCE:-60}))
until ask --output /dev/null "$url/readyz" 2> /dev/null; do
  if [ "$SECONDS" -ge "$end" ]; then
    echo "$url is not ready:" >&2
    ask "$url/readyz" >&2
    exit 1
  fi
  sleep 1
done
answer=$(ask --header 'Content-Type: application/json' --data '{"user_id": 1, "k": 3}' "$url/predict")
if ! grep --quiet '"game_id"' <<< "$answer"; then
  echo "$url recommends nothing: $answer" >&2
  exit 1
fi
echo "$url is ready and recommends"
