#!/usr/bin/env bash
# Gets what the tests need beside Python: node and npm packages, Chromium, a Bitcoin node, Lightning wallets, LNbits.
# What cannot be had is said, and left to the tests to skip; with CI=true it is a failure.
# Writes $VENV/test-env (default .venv), which the Makefile sources.
set -uo pipefail
cd "$(dirname "$0")/../.."
missing=0
venv=${VENV:-.venv}

say() { echo "prepare: $*" >&2; }

cannot() {
  say "$*"
  [ "${CI:-}" = true ] && missing=1
}

# apt, once refreshed, and only where it is ours to use.
install() {
  [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null || return 1
  say "installing $* with apt"
  export DEBIAN_FRONTEND=noninteractive
  apt-get -qq install -y --no-install-recommends "$@" >/dev/null 2>&1 && return
  apt-get -qq update >/dev/null && apt-get -qq install -y --no-install-recommends "$@" >/dev/null
}

major() { "$1" --version 2>/dev/null | sed -n 's/^v\([0-9]*\).*/\1/p'; }

# Debian 12 has node 18; playwright brings a newer one along.
find_node() {
  local node bundled
  node=$(command -v node)
  bundled=$(echo "$(realpath "$venv")"/lib/python3*/site-packages/playwright/driver/node)
  if [ -n "$node" ] && [ "$(major "$node")" -ge 20 ]; then echo "$node"
  elif [ -x "$bundled" ]; then echo "$bundled"
  fi
}

prepare_npm() {
  local stamp=tests/js/node_modules/.installed
  cmp -s tests/js/package-lock.json "$stamp" && return
  command -v npm >/dev/null || install nodejs npm || { cannot "no npm: the JavaScript's types and browser tests cannot run"; return; }
  (cd tests/js && npm ci --no-audit --no-fund --loglevel=error >&2) && cp tests/js/package-lock.json "$stamp" ||
    cannot "npm ci failed in tests/js"
}

find_chromium() { command -v chromium || command -v chromium-browser || command -v google-chrome; }

prepare_chromium() {
  find_chromium >/dev/null || install chromium || cannot "no Chromium: the browser tests cannot run"
}

prepare_bitcoind() {
  wallet/chain/get_bitcoind.sh >/dev/null || cannot "no bitcoind: the tests against a real node cannot run"
}

prepare_lightning() {
  wallet/lightning/electrum/get_electrum.sh >/dev/null || cannot "no Electrum: the tests against real Lightning wallets cannot run"
}

prepare_lnbits() {
  tests/support/get_lnbits.sh >/dev/null || cannot "no LNbits: the test against a real server of it cannot run"
}

# The server configurations in deploy/ are tested with the servers that they are for.
prepare_servers() {
  command -v nginx >/dev/null || install nginx-light || cannot "no nginx: deploy/nginx.conf cannot be tested"
  command -v caddy >/dev/null || install caddy || cannot "no Caddy: deploy/Caddyfile cannot be tested"
  command -v systemd-analyze >/dev/null || install systemd || cannot "no systemd: deploy/bitcache.service cannot be tested"
}

prepare_npm
prepare_chromium
prepare_servers
prepare_bitcoind
prepare_lightning
prepare_lnbits
echo "export NODE='$(find_node)' CHROMIUM='$(find_chromium)'" > "$venv/test-env"
exit "$missing"
