#!/bin/bash
# get_lnbits.sh
# Prints a folder with a Python that has LNbits, as lnbits.lock pins it, from PyPI: ${XDG_CACHE_HOME:-~/.cache}/bitcache/
# lnbits.  Nothing is installed on the system.  Exit 2 with the reason as the last line of stderr where it cannot be had.
set -euo pipefail
lock=$(dirname "$0")/lnbits.lock
cache=${XDG_CACHE_HOME:-$HOME/.cache}/bitcache/lnbits
whole=$cache/whole-$(cksum < "$lock" | cut -d' ' -f1)

say() { echo "get_lnbits: $*" >&2; }
cannot() { say "no LNbits, and $*"; exit 2; }

command -v flock >/dev/null || cannot "no flock to fetch it with"
python=$(command -v "${PYTHON:-python3.11}" || command -v python3) || cannot "no Python to run it"
mkdir -p "$cache"
exec 9>"$cache/.lock"; flock 9                       # two runs at once: the second finds it done
if [ -e "$whole" ]; then echo "$cache/venv"; exit 0; fi
say "fetching LNbits from PyPI"
rm -rf "$cache/venv" "$cache"/whole-*
"$python" -m venv "$cache/venv" >&2 || cannot "this Python cannot make virtual environments"
"$cache/venv/bin/pip" install --quiet --disable-pip-version-check --require-hashes --no-deps -r "$lock" >&2 ||
  cannot "it cannot be fetched"
touch "$whole"
echo "$cache/venv"
