#!/bin/bash
# get_electrum.sh
# Prints a folder with what the Lightning tests run: bin/electrum (from Debian's newer suite, by apt's own signature
# check), bin/electrumx_server (a server for it) and bin/relay-python (a Nostr relay's interpreter).  All of it lies in
# the cache (${XDG_CACHE_HOME:-~/.cache}/bitcache/lightning); nothing is installed on the system.  Exit 2 with the reason
# as the last line of stderr where it cannot be had.
set -euo pipefail
export LC_ALL=C
suite=${BITCACHE_SUITE:-forky}
cache=${XDG_CACHE_HOME:-$HOME/.cache}/bitcache/lightning
python=$(command -v "${PYTHON:-python3.11}" || command -v python3)

say() { echo "get_electrum: $*" >&2; }
give_up() { say "$*"; exit 2; }
whole() { [ -e "$cache/whole" ]; }

mkdir -p "$cache"
exec 9>"$cache/.lock"; flock 9                       # two runs at once: the second finds it done
if whole; then echo "$cache"; exit 0; fi
for tool in apt-get dpkg-deb dpkg; do
  command -v "$tool" >/dev/null || give_up "no $tool to fetch Electrum with"
done
keyring=/usr/share/keyrings/debian-archive-keyring.gpg
[ -r "$keyring" ] || give_up "no Debian archive keys to verify Electrum with"
codename=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
mirror=$(apt-get update --print-uris 2>/dev/null |
         sed -n "s#^'\(.*\)/dists/$codename/InRelease'.*#\1#p" | grep -E '/debian/?$' | head -n1 || true)
[ -n "$mirror" ] || give_up "no Debian mirror among apt's sources"

# An apt of our own: its own state, one suite, signatures required
work=$(mktemp -d "$cache/.apt.XXXXXX"); trap 'rm -rf "$work"' EXIT
mkdir -p "$work"/{lists/partial,archives/partial,etc/empty,log}
: > "$work/status"
echo "deb [signed-by=$keyring] $mirror $suite main" > "$work/sources.list"
cat > "$work/apt.conf" <<CONF
Dir::State "$work"; Dir::State::lists "$work/lists"; Dir::State::status "$work/status"; Dir::Log "$work/log";
Dir::Cache "$work"; Dir::Cache::archives "$work/archives"; Dir::Cache::srcpkgcache "";
Dir::Etc::sourcelist "$work/sources.list"; Dir::Etc::sourceparts "$work/etc/empty";
Dir::Etc::preferences "/dev/null"; Dir::Etc::preferencesparts "$work/etc/empty";
APT::Sandbox::User "$(id -un)"; Debug::NoLocking "1"; Acquire::Languages "none"; Acquire::PDiffs "false";
Acquire::AllowInsecureRepositories "false"; APT::Get::AllowUnauthenticated "false"; Acquire::Retries "3";
APT::Update::Post-Invoke-Success {}; DPkg::Post-Invoke {};
CONF
say "fetching Electrum from Debian $suite"
(export APT_CONFIG=$work/apt.conf; cd "$work/archives" &&
  apt-get -qq update >&2 && apt-get -qq download electrum python3-electrum >&2) || give_up "Electrum cannot be fetched"
rm -rf "$cache/root"; mkdir -p "$cache/root" "$cache/bin"
for archive in "$work"/archives/*.deb; do dpkg-deb -x "$archive" "$cache/root"; done

# Its libraries; secp256k1 from this system's own suite, whose libc it is for
quiet() { "$@" >/dev/null 2>"$work/log/last" || { cat "$work/log/last" >&2; give_up "cannot: $*"; }; }
quiet "$python" -m venv "$cache/electrum"
ELECTRUM_ECC_DONT_COMPILE=1 quiet "$cache/electrum/bin/pip" install -q 'aiorpcx==0.25.*' electrum-ecc electrum-aionostr \
  aiohttp aiohttp-socks certifi dnspython jsonpatch cryptography qrcode attrs
(cd "$work/archives" && apt-get -qq download libsecp256k1-1 >&2 2>/dev/null && dpkg-deb -x libsecp256k1-1_*.deb "$work/secp") ||
  give_up "libsecp256k1 cannot be fetched"
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
HOME=$work "$cache/bin/electrum" version --offline >/dev/null 2>&1 || give_up "the fetched Electrum does not run here"
touch "$cache/whole"
echo "$cache"
