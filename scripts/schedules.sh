#!/usr/bin/env bash
# Runs what threads do together in many schedules, on simulated threads and a simulated clock (src/sync).
#
#     scripts/schedules.sh [SCHEDULES [TEST...]]
#
# A failure prints the schedule, which `shuttle::replay` runs again.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
need cargo 'https://rustup.rs'
[ $# -eq 0 ] || export OSS_SCHEDULES=$1
shift || true

# Only the library itself is built another time: what it depends on is that of the other tests.
flags=(--cfg shuttle -Copt-level=1 -Cdebuginfo=line-tables-only)
program=$(cargo rustc --quiet --lib --profile test --message-format=json -- "${flags[@]}" |
    sed -n 's/.*"executable":"\([^"]*\)".*/\1/p')
if [ $# -eq 0 ]; then set -- schedules; fi
"$program" --quiet "$@"
