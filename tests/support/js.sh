#!/usr/bin/env bash
# js.sh types|test: tsc over the browser's modules, or their tests under node.  $NODE is set by prepare.sh.
set -euo pipefail
cd "$(dirname "$0")/../js"

skip() {
  echo "js $1: skipped, $2" >&2
  [ "${CI:-}" != true ]
  exit
}

NODE=${NODE:-$(command -v node || true)}
[ -n "$NODE" ] || skip "$1" "no node of version 20 or newer"
[ -d node_modules/typescript ] || skip "$1" "npm ci has not run in tests/js"

case "$1" in
  types) "$NODE" node_modules/typescript/bin/tsc --project tsconfig.json --noEmit ;;
  test) "$NODE" --test ;;
esac
