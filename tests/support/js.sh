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

types() {
  "$NODE" node_modules/typescript/bin/tsc --project tsconfig.json --noEmit
}

# Short on the terminal; the counts come from TAP, because with CI=true a skipped test is a failed one.
tests() {
  local tap
  tap=$(mktemp)
  trap "rm -f '$tap'" EXIT
  "$NODE" --test --test-reporter=dot --test-reporter-destination=stdout \
    --test-reporter=tap --test-reporter-destination="$tap" || { grep -A 40 '^not ok' "$tap" >&2; exit 1; }
  echo "js: $(sed -n 's/^# \(pass\|fail\|skipped\) \(.*\)/\2 \1/p' "$tap" | paste -sd, | sed 's/,/, /g')"
  grep '# SKIP' "$tap" >&2 || return 0
  [ "${CI:-}" != true ]
}

case "$1" in
  types) types ;;
  test) tests ;;
esac
