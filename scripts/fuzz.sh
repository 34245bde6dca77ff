#!/usr/bin/env bash
# Runs each fuzzer of fuzz/ for some seconds, after what its corpus holds, with the address sanitizer where this Rust has it.
#
#     scripts/fuzz.sh [SECONDS [TARGET...]]
#
# What a fuzzer finds is left in fuzz/artifacts/TARGET: the program fuzz/target/.../TARGET with that file shows it again.
# What it learns goes into target/fuzz-corpus, which the next run starts from.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
need cargo 'https://rustup.rs' c++ 'apt-get install g++'
seconds=${1:-20}
shift || true
targets=("$@")
[ $# -gt 0 ] || targets=($(basename -s .rs fuzz/fuzz_targets/*.rs))
export ALIBABA_CLOUD_ECS_METADATA_DISABLED=true

host=$(rustc -vV | sed -n 's/^host: //p')
flags='--cfg fuzzing -Cpasses=sancov-module'
for option in level=4 inline-8bit-counters pc-table trace-compares; do flags+=" -Cllvm-args=-sanitizer-coverage-$option"; done
# An unstable flag, which the stable compiler takes too. Debian's own has no runtime for it.
if ls "$(rustc --print sysroot)/lib/rustlib/$host/lib"/librustc-*_rt.asan.a >/dev/null 2>&1; then
    export RUSTC_BOOTSTRAP=1
    flags+=' -Zsanitizer=address'
else
    echo 'fuzz: this Rust has no address sanitizer; the fuzzers run without it' >&2
fi
# With --target, flags are not for build scripts and macros.
RUSTFLAGS=$flags cargo build --quiet --release --manifest-path fuzz/Cargo.toml --target "$host" --target-dir "$target/fuzz"

for name in "${targets[@]}"; do
    say "fuzz: $name, $seconds s"
    learnt=$target/fuzz-corpus/$name
    mkdir -p "$learnt" "fuzz/artifacts/$name" "fuzz/corpus/$name"
    "$target/fuzz/$host/release/$name" "$learnt" "fuzz/corpus/$name" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=1024 \
        -artifact_prefix="fuzz/artifacts/$name/" -print_final_stats=1 -verbosity=0 2>"$target/fuzz-$name.log" ||
        { tail -n 60 "$target/fuzz-$name.log" >&2; exit 1; }
    sed -n 's/^stat::\(number_of_executed_units\|peak_rss_mb\): */\1 /p' "$target/fuzz-$name.log"
done
