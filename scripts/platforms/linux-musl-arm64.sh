#!/usr/bin/env bash
# The same on arm64, under qemu.
exec "$(dirname "${BASH_SOURCE[0]}")/linux-musl-amd64.sh" linux-musl-arm64
