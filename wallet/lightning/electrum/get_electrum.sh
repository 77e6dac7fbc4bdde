#!/bin/bash
# get_electrum.sh
# Prints a folder with what two private Lightning wallets need: bin/electrum (from Debian's newer suite), and from PyPI
# bin/electrumx_server (a server for it) and bin/relay-python (a Nostr relay's interpreter).  All of it lies in the
# cache (${XDG_CACHE_HOME:-~/.cache}/bitcache/lightning); nothing is installed on the system.  Exit 2 with the reason
# as the last line of stderr where it cannot be had.
set -euo pipefail
export LC_ALL=C
. "$(dirname "$0")/../../debian_archive.sh"
cache=${XDG_CACHE_HOME:-$HOME/.cache}/bitcache/lightning

say() { echo "get_electrum: $*" >&2; }
cannot() { say "no Electrum, and $*"; exit 2; }
whole() { [ -e "$cache/whole" ]; }

command -v flock >/dev/null || cannot "no flock to fetch one"
mkdir -p "$cache"
exec 9>"$cache/.lock"; flock 9                       # two runs at once: the second finds it done
if whole; then echo "$cache"; exit 0; fi
work=$(mktemp -d "$cache/.apt.XXXXXX"); trap 'rm -rf "$work"' EXIT
quiet() { "$@" >/dev/null 2>"$work/last" || { cat "$work/last" >&2; cannot "this failed: $*"; }; }

say "fetching Electrum from Debian $newer_suite"
open_archive "$work/newer" "$newer_suite"
rm -rf "$cache/root"; mkdir -p "$cache/bin"
unpack_packages "$work/newer" "$cache/root" electrum python3-electrum
open_archive "$work/own" "$own_suite"                # it must fit this system's libc
unpack_packages "$work/own" "$work/secp" libsecp256k1-1

python=$(command -v "${PYTHON:-python3.11}" || command -v python3) || cannot "no Python to run one"
quiet "$python" -m venv "$cache/electrum"
ELECTRUM_ECC_DONT_COMPILE=1 quiet "$cache/electrum/bin/pip" install -q 'aiorpcx==0.25.*' electrum-ecc electrum-aionostr \
  aiohttp aiohttp-socks certifi dnspython jsonpatch cryptography qrcode attrs
cp -L "$work"/secp/usr/lib/*/libsecp256k1.so.1 "$cache"/electrum/lib/python3*/site-packages/electrum_ecc/
cat > "$cache/bin/electrum" <<WRAPPER
#!/bin/sh
PYTHONPATH=$cache/root/usr/lib/python3/dist-packages exec $cache/electrum/bin/python $cache/root/usr/bin/electrum "\$@"
WRAPPER
chmod +x "$cache/bin/electrum"

quiet "$python" -m venv "$cache/server"
quiet "$cache/server/bin/pip" install -q e-x==1.20.0 plyvel
ln -sf "$cache/server/bin/electrumx_server" "$cache/bin/electrumx_server"
quiet "$python" -m venv "$cache/relay"
quiet "$cache/relay/bin/pip" install -q nostr-sdk==0.45.1
printf '#!/bin/sh\nexec %s "$@"\n' "$cache/relay/bin/python" > "$cache/bin/relay-python"  # a link would lose the venv
chmod +x "$cache/bin/relay-python"
HOME=$work "$cache/bin/electrum" version --offline >/dev/null 2>&1 || cannot "the fetched one does not run here"
touch "$cache/whole"
echo "$cache"
