#!/bin/bash
# Runs the checks and tests of one kind and ends with the line "N passed, N failed". A step that
# fails does not keep the later ones from running; the sum tells.
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2317 # most functions are called by name, from the end of the file
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1

build=${BUILD:-build}
asan=$build-asan
fuzz=$build-fuzz
tsan=$build-tsan
jobs=${JOBS:-2}
werror=${WERROR:-false}
python=${PYTHON:-/usr/bin/python3}
results=$build/test-results
threaded_units=(test_base_system test_base_log test_store_parallel test_http test_http_later
    test_http_limits test_http_stream test_net test_net_attempts)
threaded_calls=(expected_head async events cancel)
faults=(host_faults host_pauses host_cuts crash crash_several mirrors mirrors_room disk
    clock)
read -r -a pytest_args <<<"${PYTEST_ARGS:-}"
export PYTHONDONTWRITEBYTECODE=1

# Newer releases of these judge differently; the tree is kept clean for the ones of Debian 12.
format_version=14
cppcheck_version=2.10

step() {
    "$python" tools/testsum.py run --results "$results" --name "$@"
}

finish() {
    "$python" tools/testsum.py sum --results "$results"
    exit
}

# Makes the build folder or brings it up to date. Quiet when it works; when it does not, the build
# that follows fails too and is counted.
configure() {
    local dir=$1 said
    shift
    if [ -e "$dir/build.ninja" ]; then
        set -- ninja -C "$dir" build.ninja
    else
        set -- meson setup "$dir" "$@"
    fi
    said=$("$@" 2>&1) || printf '%s\n' "$said"
}

compile() {
    configure "$build" --buildtype=debugoptimized "-Dwerror=$werror"
    step build -- ninja -C "$build" -j "$jobs"
}

# The compiler's warnings are judged in the other build; sanitized code makes it guess wrongly.
compile_asan() {
    configure "$asan" --buildtype=debug -Doptimization=1 -Db_sanitize=address,undefined \
        -Dtest_hooks=true
    step build-asan -- ninja -C "$asan" -j "$jobs"
}

unit_tests() {
    local name=$1 dir=$2
    step "$name" --junit "$dir/meson-logs/testlog.junit.xml" -- \
        meson test -C "$dir" --no-rebuild --print-errorlogs --num-processes "$jobs"
}

# Runs the Python tests of a folder, or of files, against a program.
py_tests() {
    local name=$1 program=$3 hooks=$4 folders
    read -r -a folders <<<"$2"
    program=$(realpath -m "$program")
    GITSYNC_BIN=$program GITSYNC_TEST_HOOKS=$hooks step "$name" \
        --junit "$results/$name.pytest.xml" -- "$python" -m pytest -q -p no:cacheprovider \
        "--junitxml=$results/$name.pytest.xml" ${pytest_args[@]+"${pytest_args[@]}"} \
        "${folders[@]}"
    # Kept by the step under its own name; the sum must not see it twice.
    rm -f "$results/$name.pytest.xml"
}

# A sanitizer report of the server counts even when the test that caused it did not notice.
py_tests_asan() {
    local reports
    reports=$(realpath -m "$results/sanitizer")
    ASAN_OPTIONS="detect_leaks=1:detect_stack_use_after_return=1:log_path=$reports" \
        UBSAN_OPTIONS="halt_on_error=1:print_stacktrace=1:log_path=$reports" \
        py_tests api-asan tests/api "$asan/gitsync" 1
    step api-asan-reports -- tools/test.sh reports
}

reports() {
    local file found=0
    for file in "$results"/sanitizer.*; do
        [ -e "$file" ] || continue
        cat "$file"
        found=1
    done
    return "$found"
}

version_of() {
    "$1" --version | grep -oE '[0-9]+(\.[0-9]+)+' | head -n 1
}

check_format() {
    local version
    version=$(version_of clang-format)
    if [ "${version%%.*}" != "$format_version" ]; then
        echo "clang-format $version: not checked, version $format_version decides"
        return 0
    fi
    find src tests tools -name '*.[ch]' -print0 | xargs -0r clang-format --dry-run -Werror
}

check_cppcheck() {
    local version
    version=$(version_of cppcheck)
    if [ "$version" != "$cppcheck_version" ]; then
        echo "cppcheck $version: not checked, version $cppcheck_version decides"
        return 0
    fi
    mkdir -p "$build/cppcheck"
    cppcheck --quiet -j "$jobs" --cppcheck-build-dir="$build/cppcheck" --error-exitcode=1 \
        --project="$build/compile_commands.json" --file-filter="src/*" \
        --enable=warning,performance,portability \
        --suppressions-list=tools/cppcheck-suppressions.txt
}

# A build folder of its own, because clang does not know all flags of gcc. Only its list of commands
# is used.
check_tidy() {
    local dir=$build-tidy hint
    hint=$(realpath tools/analyzer.h)
    CC=clang configure "$dir"
    run-clang-tidy -quiet -j "$jobs" -p "$dir" -extra-arg=-include "-extra-arg=$hint" \
        "$PWD/src/(?!base/error\.c)" || return
    run-clang-tidy -quiet -p "$dir" "$PWD/src/base/error\.c"
}

compile_tsan() {
    configure "$tsan" --buildtype=debug -Doptimization=1 -Db_sanitize=thread
    step build-tsan -- ninja -C "$tsan" -j "$jobs"
}

# What has threads of its own, and calls that meet each other in the server. A report of the sanitizer ends the program with a
# status that fails the test; those of the server are looked at as well.
threads() {
    local file files=() reports
    reports=$(realpath -m "$results/sanitizer.tsan")
    export TSAN_OPTIONS="exitcode=66:second_deadlock_stack=1:log_path=$reports"
    step unit-tsan --junit "$tsan/meson-logs/testlog.junit.xml" -- \
        meson test -C "$tsan" --no-rebuild --print-errorlogs --num-processes "$jobs" \
        --timeout-multiplier 3 "${threaded_units[@]}"
    for file in "${threaded_calls[@]}"; do files+=("tests/api/test_$file.py"); done
    py_tests api-tsan "${files[*]}" "$tsan/gitsync" 0
    unset TSAN_OPTIONS
    step api-tsan-reports -- tools/test.sh reports
}

# A build folder of its own, because libFuzzer is clang's.
compile_fuzz() {
    CC=clang configure "$fuzz" --buildtype=debug -Doptimization=1 \
        -Db_sanitize=address,undefined -Dfuzz=true
    step build-fuzz -- ninja -C "$fuzz" -j "$jobs" fuzz-all
}

# Lets a target run for a time on its seeds, what was once found and what this folder found before. The same way each time, so that a change is judged and
# not the luck; FUZZ_SEED explores another one.
fuzz_one() {
    local target=$1 seconds=$2 place=$fuzz/found/$1 status=0
    mkdir -p "$place/inputs"
    TMPDIR=$(mktemp -d -p "$([ -w /dev/shm ] && echo /dev/shm || echo /tmp)" gitsync-fuzz.XXXXXX)
    export TMPDIR
    UBSAN_OPTIONS="halt_on_error=1:print_stacktrace=1" \
        "$fuzz/tests/fuzz/fuzz_$target" -seed="${FUZZ_SEED:-1}" -max_total_time="$seconds" -max_len=16384 -timeout=120 \
        -rss_limit_mb=2048 -print_final_stats=1 -dict=tests/fuzz/words.dict \
        -artifact_prefix="$place/" "$place/inputs" "$fuzz/tests/fuzz/seeds/$target" \
        "tests/fuzz/corpus/$target" >"$place/log" 2>&1 || status=$?
    rm -rf "$TMPDIR"
    if [ "$status" -ne 0 ]; then
        tail -n 60 "$place/log"
    else
        grep -a number_of_executed_units "$place/log"
    fi
    return "$status"
}

# $1 is the time of each target in seconds; as many run at a time as the build may use.
fuzz_all() {
    local target
    for target in document meta pack tree wire; do
        while [ "$(jobs -rp | wc -l)" -ge "$jobs" ]; do wait -n; done
        step "fuzz-$target" -- tools/test.sh fuzz_one "$target" "$1" &
    done
    wait
}

lint() {
    step layers -- tools/check_layers
    step format -- tools/test.sh check_format
    configure "$build" --buildtype=debugoptimized "-Dwerror=$werror"
    # The one source that is made by the build.
    ninja -C "$build" src/store/migrations.c >/dev/null || return
    step cppcheck -- tools/test.sh check_cppcheck
}

unit() {
    compile
    unit_tests unit "$build"
    py_tests property tests/property "$build/gitsync" 0
}

api() {
    compile
    py_tests api tests/api "$build/gitsync" 0
}

fuzz() {
    compile_fuzz
    fuzz_all "${FUZZ_SECONDS:-60}"
}

# A host that misbehaves, a server that is killed, and disks that are full, in the build that can be made to die.
faults() {
    local file files=()
    compile_asan
    for file in "${faults[@]}"; do files+=("tests/api/test_$file.py"); done
    py_tests faults "${files[*]}" "$asan/gitsync" 1
}

tsan() {
    compile_tsan
    threads
}

all() {
    lint
    unit
    py_tests tools tests/tools "$build/gitsync" 0
    py_tests corpus tests/corpus "$build/gitsync" 0
    compile_asan
    unit_tests unit-asan "$asan"
    py_tests property-asan tests/property "$asan/gitsync" 0
    BUILD=$asan py_tests corpus-asan "tests/corpus -k test_fixture" "$asan/gitsync" 1
    py_tests_asan
    py_tests api tests/api "$build/gitsync" 0
    compile_tsan
    threads
    compile_fuzz
    fuzz_all "${FUZZ_SECONDS:-60}"
}

case "${1:-}" in
    check_format | check_cppcheck | reports | fuzz_one)
        "$@"
        exit
        ;;
    tidy)
        check_tidy
        exit
        ;;
    lint | unit | api | faults | tsan | fuzz | all) ;;
    *)
        echo "usage: tools/test.sh all | lint | unit | api | faults | tsan | fuzz | tidy" >&2
        exit 2
        ;;
esac

if ! tools/deps.sh build test; then
    echo "0 passed, 1 failed"
    exit 1
fi
rm -rf "$results"
"$1"
finish
