#!/usr/bin/env bash
# Builds and tests for other platforms than this machine's, and says how long each took. docs/platforms.md has what is done.
#
#     scripts/platforms.sh [NAME...]
#
# Each name is a file of scripts/platforms; without one, all of them run. What a platform needs is installed for it alone, by
# scripts/setup.sh. A platform that this machine cannot test is left out, and the last lines say so; with CI=true that is a
# failure.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
[ $# -gt 0 ] || set -- $(basename -s .sh scripts/platforms/*.sh)
for name; do
    [ -f "scripts/platforms/$name.sh" ] || { echo "scripts/platforms has no $name; it has: $(basename -s .sh scripts/platforms/*.sh | paste -sd ' ')" >&2; exit 2; }
done
# Nothing here may ask a cloud which machine this is.
export ALIBABA_CLOUD_ECS_METADATA_DISABLED=true

minutes=() left_out=() failed=()
for name; do
    start=$SECONDS
    missing=$(scripts/setup.sh "$name")
    if [ -n "$missing" ] && [ "${CI:-}" = true ]; then
        echo "platforms: $name needs ${missing//$'\n'/, }" >&2
        exit 1
    elif [ -n "$missing" ]; then
        left_out+=("$name: needs ${missing//$'\n'/, }")
        continue
    fi
    say "Platform $name"
    "scripts/platforms/$name.sh" || failed+=("$name")
    minutes+=("$(printf '%5.1f min  %s' "$(((SECONDS - start) * 10 / 60))e-1" "$name")")
done

say 'Platforms'
printf '  %s\n' "${minutes[@]}" >&2
[ ${#left_out[@]} -eq 0 ] || printf '  left out: %s\n' "${left_out[@]}" >&2
[ ${#failed[@]} -eq 0 ] || { printf '  FAILED: %s\n' "${failed[@]}" >&2; exit 1; }
