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
. "$(dirname "$0")/../debian_archive.sh"
package=bitcoin-knots
cache=${XDG_CACHE_HOME:-$HOME/.cache}/bitcache/bitcoind

say() { echo "get_bitcoind: $*" >&2; }
give_up() { say "$*"; exit 2; }
cannot() { give_up "no bitcoind, and $*; set BITCOIND=/path/to/bitcoind"; }
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

# 2. Debian's archive
command -v flock >/dev/null || cannot "no flock to fetch one"
mkdir -p "$cache"
exec 9>"$cache/.lock"; flock 9                       # two runs at once: the second finds it done
if cached; then echo "$cache/bin"; exit 0; fi
work=$(mktemp -d "$cache/.apt.XXXXXX"); trap 'rm -rf "$work"' EXIT
say "fetching $package and its libraries from Debian $newer_suite"
open_archive "$work" "$newer_suite"

# 3. The package and the libraries it needs, walked through lib* packages alone
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
root=$work/root; mkdir -p "$work/bin"
# shellcheck disable=SC2086  # a list of package names
unpack_packages "$work" "$root" $wanted

# 4. Run through the suite's own dynamic loader, so that this system's libc is never touched
loader=$(cd "$root" && find . -path '*-linux-gnu*/ld-linux*.so.*' -printf '%P\n' | head -n1)
for program in bitcoind bitcoin-cli; do
  cat > "$work/bin/$program" <<WRAPPER
#!/bin/sh
here=\$(dirname "\$(readlink -f "\$0")")/../root
exec "\$here/$loader" --library-path "\$here/$(dirname "$loader")" "\$here/usr/bin/$program" "\$@"
WRAPPER
  chmod +x "$work/bin/$program"
done
runs "$work/bin" || cannot "the fetched one does not run here"
rm -rf "$cache/root" "$cache/bin"; mv "$root" "$cache/root"; mv "$work/bin" "$cache/bin"
echo "$cache/bin"
