# debian_archive.sh: sourced by scripts that fetch programs of Debian's archive: from the mirror that this machine's apt
# already uses, through apt, signatures verified, as anybody, with nothing installed on the system.
# They have cannot REASON, which ends them.

newer_suite=${BITCACHE_SUITE:-forky}
archive_keys=/usr/share/keyrings/debian-archive-keyring.gpg
own_suite=$( (. /etc/os-release && echo "${VERSION_CODENAME:-}") 2>/dev/null || true)

# open_archive FOLDER SUITE: an apt of our own in FOLDER: its own state, its own cache, one suite, signatures required.
# Sets $APT_CONFIG for what is called next.
open_archive() {
  local work=$1 suite=$2 arch mirror tool
  for tool in apt-get apt-cache dpkg dpkg-deb awk; do
    command -v "$tool" >/dev/null || cannot "no $tool to fetch one"
  done
  [ -r "$archive_keys" ] || cannot "no Debian archive keys to verify one"
  mirror=$(env -u APT_CONFIG apt-get update --print-uris 2>/dev/null |
           sed -n "s#^'\(.*\)/dists/$own_suite/InRelease'.*#\1#p" | grep -E '/debian/?$' | head -n1 || true)
  [ -n "$mirror" ] || cannot "no Debian mirror among apt's sources"
  mkdir -p "$work"/{lists/partial,archives/partial,etc/empty,log}
  : > "$work/status"                                 # as on an empty system, so that apt picks every library
  arch=$(dpkg --print-architecture)
  echo "deb [arch=$arch signed-by=$archive_keys] $mirror $suite main" > "$work/sources.list"
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
  apt-get -qq update >&2 || cannot "apt cannot read Debian $suite"
}

# unpack_packages FOLDER ROOT PACKAGE…: these of the archive that is open in FOLDER, and nothing that they need.
unpack_packages() {
  local work=$1 root=$2 archive
  shift 2
  (cd "$work/archives" && apt-get -qq download "$@" >&2) || cannot "Debian's $1 cannot be fetched"
  mkdir -p "$root"
  for archive in "$work"/archives/*.deb; do dpkg-deb -x "$archive" "$root"; done
}
