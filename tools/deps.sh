#!/bin/bash
# Installs the Debian packages that building, demonstrating and testing gitsync need, and nothing
# when they are all there. It must not change the machine's package sources or start a service.
# SPDX-License-Identifier: Apache-2.0
set -euo pipefail

build_deps=(
    gcc libc6-dev pkg-config meson ninja-build python3
    libmicrohttpd-dev libgit2-dev libcurl4-openssl-dev libssl-dev
    libsqlite3-dev libzstd-dev libdeflate-dev libinih-dev libyyjson-dev
)
run_deps=(
    nginx fcgiwrap git curl jq ca-certificates
    python3 python3-jwt python3-cryptography
)
test_deps=(
    libcmocka-dev python3-pytest python3-hypothesis python3-jwt python3-cryptography python3-yaml
    nginx fcgiwrap git curl openssl jq ca-certificates procps wrk
    clang clang-format clang-tidy cppcheck libclang-rt-dev
)

# Debian 12 has no libyyjson. These two packages of Debian 13 need nothing but libc6 there.
borrowed=(libyyjson0 libyyjson-dev)
borrowed_suite=trixie
keyring=/usr/share/keyrings/debian-archive-keyring.gpg

# Freshly installed, these would listen on ports of the machine.
quiet_services=(nginx fcgiwrap)
policy=/usr/sbin/policy-rc.d
policy_saved=$policy.before-gitsync-deps
policy_mark='# written by gitsync tools/deps.sh, removed when it ends'

work=
fresh=()

usage() {
    cat <<'TEXT'
usage: tools/deps.sh [--check] [build] [run] [test]

Installs the packages of the named groups (all groups when none is named).
  --check   only list what is missing; exit status 1 when something is
TEXT
}

die() {
    echo "deps: $*" >&2
    exit 1
}

is_in() {
    local wanted=$1 item
    shift
    for item in "$@"; do
        if [ "$item" = "$wanted" ]; then return 0; fi
    done
    return 1
}

# Prints the packages out of "$@" that are not installed, one a line, each once.
list_missing() {
    local installed
    # dpkg-query fails when it does not know a name; what it printed for the others is still right.
    # shellcheck disable=SC2016 # the ${} are dpkg-query's
    installed=$(dpkg-query -W -f '${db:Status-Status} ${Package}\n' "$@" 2>/dev/null |
        sed -n 's/^installed //p') || true
    printf '%s\n' "$@" | sort -u | grep -vxF -- "$installed" || true
}

release_field() {
    # shellcheck source=/dev/null
    (. /etc/os-release && eval "printf '%s' \"\${$1:-}\"")
}

has_candidate() {
    [ -n "$(LC_ALL=C apt-cache policy "$1" | sed -n '/^  Candidate: [^(]/p')" ]
}

# apt touches the lists folder on every update, also when nothing was new.
lists_are_stale() {
    local lists=/var/lib/apt/lists
    [ -z "$(find "$lists" -maxdepth 1 -name '*Packages*' -print -quit)" ] ||
        [ -n "$(find "$lists" -maxdepth 0 -mtime +0)" ]
}

update_lists() {
    echo "deps: refreshing the package lists"
    apt-get -q -o DPkg::Lock::Timeout=300 update ||
        die "apt-get update failed; is the network reachable?"
}

apt_install() {
    DEBIAN_FRONTEND=noninteractive NEEDRESTART_MODE=l apt-get -q -y \
        -o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0 \
        install --no-install-recommends "$@"
}

policy_is_ours() {
    grep -qsxF "$policy_mark" "$policy"
}

# Leaves policy-rc.d exactly as it was, also after an earlier run that was killed.
restore_policy() {
    if [ -e "$policy_saved" ] || [ -L "$policy_saved" ]; then
        mv -f "$policy_saved" "$policy"
    elif policy_is_ours; then
        rm -f "$policy"
    fi
}

forbid_service_start() {
    local new=$policy.gitsync-deps-new
    cat >"$new" <<TEXT
#!/bin/sh
$policy_mark
case "\$1" in
    nginx | nginx.* | fcgiwrap | fcgiwrap.*) exit 101 ;;
esac
if [ -x $policy_saved ]; then exec $policy_saved "\$@"; fi
exit 0
TEXT
    chmod 755 "$new"
    if [ -e "$policy" ] || [ -L "$policy" ]; then mv "$policy" "$policy_saved"; fi
    mv "$new" "$policy"
}

# policy-rc.d only stops the start at installation; the units would still come up at the next boot.
disable_fresh_services() {
    local name unit
    command -v systemctl >/dev/null || return 0
    for name in "${fresh[@]}"; do
        for unit in "$name.socket" "$name.service"; do
            if [ -e "/lib/systemd/system/$unit" ]; then
                systemctl --quiet disable "$unit" >/dev/null 2>&1 || true
            fi
        done
    done
}

cleanup() {
    restore_policy
    if [ -n "$work" ]; then rm -rf "$work"; fi
}

# Prints the address of the mirror that the machine itself takes Debian from.
debian_mirror() {
    local arch codename
    arch=$(dpkg --print-architecture)
    codename=$(release_field VERSION_CODENAME)
    # shellcheck disable=SC2016 # the $() are apt's
    apt-get indextargets --format '$(REPO_URI)' "MetaKey: main/binary-$arch/Packages" \
        'Origin: Debian' 'Label: Debian' "Codename: $codename" | sed -n 1p
}

# Dies unless package file $1 depends on nothing but package $2 (in whatever version).
require_only_dependency() {
    local file=$1 allowed=$2 depends
    depends=$(dpkg-deb -f "$file" Pre-Depends Depends | sed 's/^[A-Za-z-]*: //' |
        tr ',|' '\n' | sed 's/^ *//; s/[ :(].*//' | sort -u)
    [ "$depends" = "$allowed" ] ||
        die "$(basename "$file") needs more than $allowed: $(tr '\n' ' ' <<<"$depends")"
}

# Downloads the borrowed packages into $work/debs with an apt configuration of its own, so that the
# machine never learns of the other release.
download_borrowed() {
    local mirror arch
    arch=$(dpkg --print-architecture)
    mirror=$(debian_mirror)
    [ -n "$mirror" ] || die "no Debian source is configured, so there is no mirror to take ${borrowed[*]} from"
    [ -r "$keyring" ] || die "$keyring is missing; install debian-archive-keyring"

    mkdir -p "$work/etc" "$work/lists/partial" "$work/cache/archives/partial" "$work/debs"
    : >"$work/etc/preferences"
    echo "deb [arch=$arch signed-by=$keyring] $mirror $borrowed_suite main" >"$work/etc/sources.list"
    if getent passwd _apt >/dev/null; then chown -R _apt "$work"; fi
    local private=(
        -q
        -o "Dir::Etc::sourcelist=$work/etc/sources.list" -o Dir::Etc::sourceparts=/dev/null
        -o "Dir::Etc::preferences=$work/etc/preferences" -o Dir::Etc::preferencesparts=/dev/null
        -o "Dir::State::lists=$work/lists" -o "Dir::Cache=$work/cache"
    )
    echo "deps: fetching ${borrowed[*]} of Debian $borrowed_suite"
    apt-get "${private[@]}" update || die "cannot read the lists of Debian $borrowed_suite"
    (cd "$work/debs" && apt-get "${private[@]}" download "${borrowed[@]}") ||
        die "cannot download ${borrowed[*]}"
}

install_borrowed() {
    work=$(mktemp -d)
    chmod 755 "$work"
    download_borrowed
    require_only_dependency "$(echo "$work"/debs/libyyjson0_*.deb)" libc6
    require_only_dependency "$(echo "$work"/debs/libyyjson-dev_*.deb)" libyyjson0
    apt_install "$work"/debs/*.deb
}

# Runs as root. Installs "$@"; with nothing to install it only repairs what a killed run left.
install_missing() {
    local plain=() wants_borrowed=false name
    exec 9>/run/lock/gitsync-deps.lock
    flock 9
    trap cleanup EXIT
    trap 'exit 129' HUP
    trap 'exit 130' INT
    trap 'exit 143' TERM
    restore_policy
    if [ $# -eq 0 ]; then return 0; fi

    if lists_are_stale; then update_lists; fi
    for name in "$@"; do
        if is_in "$name" "${borrowed[@]}" && ! has_candidate "$name"; then
            [ "$(release_field ID)$(release_field VERSION_ID)" = debian12 ] ||
                die "$name is not in this release; Debian 12, Debian 13 and Ubuntu 24.04 are known to work"
            wants_borrowed=true
        else
            plain+=("$name")
        fi
        if is_in "$name" "${quiet_services[@]}"; then fresh+=("$name"); fi
    done

    if [ ${#fresh[@]} -gt 0 ]; then forbid_service_start; fi
    if [ ${#plain[@]} -gt 0 ]; then
        # Lists that are a little old can name files that the mirror no longer has.
        apt_install "${plain[@]}" || { update_lists && apt_install "${plain[@]}"; } ||
            die "apt-get could not install: ${plain[*]}"
    fi
    if $wants_borrowed; then install_borrowed; fi
    if [ ${#fresh[@]} -gt 0 ]; then disable_fresh_services; fi
}

main() {
    local check=false groups=() wanted=() missing=() arg
    for arg in "$@"; do
        case "$arg" in
            --check) check=true ;;
            build | run | test) groups+=("$arg") ;;
            -h | --help) usage && exit 0 ;;
            *) usage >&2 && exit 2 ;;
        esac
    done
    if [ ${#groups[@]} -eq 0 ]; then groups=(build run test); fi
    if is_in build "${groups[@]}"; then wanted+=("${build_deps[@]}"); fi
    if is_in run "${groups[@]}"; then wanted+=("${run_deps[@]}"); fi
    if is_in test "${groups[@]}"; then wanted+=("${test_deps[@]}"); fi

    command -v dpkg-query >/dev/null ||
        die "this is not a Debian or Ubuntu system; install the equivalents of: ${wanted[*]}"
    read -r -a missing <<<"$(list_missing "${wanted[@]}" | tr '\n' ' ')"
    if [ ${#missing[@]} -eq 0 ] && { $check || ! policy_is_ours; }; then
        echo "deps: everything is installed"
        return 0
    fi
    if $check; then
        printf '%s\n' "${missing[@]}"
        return 1
    fi

    echo "deps: missing: ${missing[*]:-nothing, but an earlier run was killed}"
    if [ "$(id -u)" -ne 0 ]; then
        command -v sudo >/dev/null ||
            die "installing packages needs root or sudo; have an administrator run tools/deps.sh ${groups[*]}"
        exec sudo -- "$(readlink -f "$0")" "${groups[@]}"
    fi
    install_missing ${missing[@]+"${missing[@]}"}

    read -r -a missing <<<"$(list_missing "${wanted[@]}" | tr '\n' ' ')"
    [ ${#missing[@]} -eq 0 ] || die "still missing: ${missing[*]}"
    echo "deps: everything is installed"
}

main "$@"
