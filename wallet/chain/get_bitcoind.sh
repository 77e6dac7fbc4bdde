#!/bin/bash
# get_bitcoind.sh [--no-fetch]
# Prints a directory that holds a runnable bitcoind.  Nothing is installed on the system.
#
# Looked for in this order: the executable $BITCOIND, bitcoind on PATH, the cache
# (${XDG_CACHE_HOME:-~/.cache}/bitcache/bitcoind), and at last Debian's archive: the package
# bitcoin-knots with its libraries, through apt, signatures verified, from the mirror that this
# machine's apt already uses.  Exit 2, with the reason as the last line of stderr, if there is none.
set -euo pipefail
export LC_ALL=C
suite=${BITCACHE_SUITE:-forky}
package=bitcoin-knots
cache=${XDG_CACHE_HOME:-$HOME/.cache}/bitcache/bitcoind

say() { echo "get_bitcoind: $*" >&2; }
give_up() { say "$*"; exit 2; }
# Even -version makes a ~/.bitcoin: let it be another home's.
runs() { [ -x "$1/bitcoind" ] && HOME=$1 "$1/bitcoind" -version >/dev/null 2>&1; }
cached() { runs "$cache/bin"; }

# 1. One that is here
if [ -n "${BITCOIND:-}" ]; then
  [ -x "$BITCOIND" ] || give_up "\$BITCOIND is not an executable file"
  dirname "$BITCOIND"; exit 0
fi
if found=$(command -v bitcoind); then dirname "$found"; exit 0; fi
if cached; then echo "$cache/bin"; exit 0; fi
[ "${1:-}" != "--no-fetch" ] || give_up "no bitcoind on PATH; set BITCOIND=/path/to/bitcoind"

# 2. What fetching needs
for tool in apt-get apt-cache dpkg-deb flock awk; do
  command -v "$tool" >/dev/null || give_up "no bitcoind, and no $tool to fetch one; set BITCOIND=/path/to/bitcoind"
done
keyring=/usr/share/keyrings/debian-archive-keyring.gpg
[ -r "$keyring" ] || give_up "no bitcoind, and no Debian archive keys to verify one; set BITCOIND=/path/to/bitcoind"
codename=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
mirror=$(apt-get update --print-uris 2>/dev/null |
         sed -n "s#^'\(.*\)/dists/$codename/InRelease'.*#\1#p" | grep -E '/debian/?$' | head -n1 || true)
[ -n "$mirror" ] || give_up "no bitcoind, and no Debian mirror among apt's sources; set BITCOIND=/path/to/bitcoind"

# 3. An apt of our own: its own state, its own cache, one suite, signatures required
mkdir -p "$cache"
exec 9>"$cache/.lock"; flock 9                       # two runs at once: the second finds it done
if cached; then echo "$cache/bin"; exit 0; fi
work=$(mktemp -d "$cache/.apt.XXXXXX"); trap 'rm -rf "$work"' EXIT
mkdir -p "$work"/{lists/partial,archives/partial,etc/empty,log}
: > "$work/status"                                   # as on an empty system, so that apt picks every library
arch=$(dpkg --print-architecture)
echo "deb [arch=$arch signed-by=$keyring] $mirror $suite main" > "$work/sources.list"
cat > "$work/apt.conf" <<CONF
Dir::State "$work"; Dir::State::lists "$work/lists"; Dir::State::status "$work/status";
Dir::Cache "$work"; Dir::Cache::archives "$work/archives";
Dir::Cache::pkgcache "pkgcache.bin"; Dir::Cache::srcpkgcache "";
Dir::Etc::sourcelist "$work/sources.list"; Dir::Etc::sourceparts "$work/etc/empty";
Dir::Etc::preferences "/dev/null"; Dir::Etc::preferencesparts "$work/etc/empty";
Dir::Log "$work/log"; APT::Architecture "$arch"; APT::Architectures { "$arch"; };
APT::Sandbox::User "$(id -un)"; Debug::NoLocking "1"; Acquire::Languages "none"; Acquire::PDiffs "false";
Acquire::AllowInsecureRepositories "false"; APT::Get::AllowUnauthenticated "false"; Acquire::Retries "3";
Acquire::IndexTargets::deb::Contents-deb::DefaultEnabled "false";
APT::Update::Post-Invoke-Success {}; DPkg::Post-Invoke {};
CONF
export APT_CONFIG=$work/apt.conf
say "fetching $package and its libraries from Debian $suite"
apt-get -qq update >&2 || give_up "no bitcoind, and apt cannot read Debian $suite; set BITCOIND=/path/to/bitcoind"

# 4. The package and the libraries it needs, walked through lib* packages alone
wanted=$(apt-cache depends --recurse --no-recommends --no-suggests --no-conflicts --no-breaks \
           --no-replaces --no-enhances "$package" | awk -v start="$package" '
  /^[a-z0-9]/ { current = $1; next }
  $1 ~ /^\|?(Pre)?Depends:$/ && $2 ~ /^(lib|zlib)/ { needs[current] = needs[current] " " $2 }
  END {
    queue[count = 1] = start; seen[start] = 1
    for (i = 1; i <= count; i++) {
      length_ = split(needs[queue[i]], names, " ")
      for (j = 1; j <= length_; j++) if (!seen[names[j]]++) queue[++count] = names[j]
    }
    for (i = 1; i <= count; i++) print queue[i]
  }')
# shellcheck disable=SC2086  # a list of package names
(cd "$work/archives" && apt-get -qq download $wanted >&2) ||
  give_up "no bitcoind, and Debian's $package cannot be fetched; set BITCOIND=/path/to/bitcoind"
root=$work/root; mkdir -p "$root" "$work/bin"
for archive in "$work"/archives/*.deb; do dpkg-deb -x "$archive" "$root"; done

# 5. Run through the suite's own dynamic loader, so that this system's libc is never touched
loader=$(cd "$root" && find . -path '*-linux-gnu*/ld-linux*.so.*' -printf '%P\n' | head -n1)
for program in bitcoind bitcoin-cli; do
  cat > "$work/bin/$program" <<WRAPPER
#!/bin/sh
here=\$(dirname "\$(readlink -f "\$0")")/../root
exec "\$here/$loader" --library-path "\$here/$(dirname "$loader")" "\$here/usr/bin/$program" "\$@"
WRAPPER
  chmod +x "$work/bin/$program"
done
runs "$work/bin" ||
  give_up "the fetched bitcoind does not run here; set BITCOIND=/path/to/bitcoind"
rm -rf "$cache/root" "$cache/bin"; mv "$root" "$cache/root"; mv "$work/bin" "$cache/bin"
echo "$cache/bin"
