#!/usr/bin/env bash
# Install MariaDB and Chromium for the tests that need them, where this is root on Debian.
# Elsewhere nothing happens, and those tests skip with the reason.
set -euo pipefail
wanted=()
command -v mariadbd >/dev/null || wanted+=(mariadb-server)
command -v chromium >/dev/null || wanted+=(chromium)
[ ${#wanted[@]} -gt 0 ] || exit 0
if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
  echo "not installed, the tests that need them will skip: ${wanted[*]}"
  exit 0
fi
echo "installing ${wanted[*]}"
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
apt-get install -y -qq --no-install-recommends "${wanted[@]}" >/dev/null
