#!/usr/bin/env bash
# Linux on arm64: tests under qemu, the packages for C, and the wheel with Debian's Python for arm64. Both resume after a kill.
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
. "$root/scripts/toolchain.sh"
. "$root/scripts/platform.sh"
platform linux-arm64
with_target "$rust_target"
cargo build --release -p oss-server

say 'A root with the C library and Python for arm64'
debian_root "$target/root-$debian" libc6 libgcc-s1 python3-minimal libpython3-stdlib
emulated=(${emulator:+$emulator "$target/root-$debian"})

say 'Unit tests, resuming and transport'
export CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_RUNNER="${emulated[*]}"
# Under qemu, a program that cannot be started is one that ended with 127, children of posix_spawn begin with qemu's signals,
# and no test can start itself; every state of a disk after a power cut would take half an hour.
left_out=(credentials::process::tests::a_relative_program credentials::process::tests::failures_show
    os::unix::process::tests::a_child_begins_clean os::unix::process::tests::output_and_status
    checkpoint::tests::holder::another_process checkpoint::tests::disk_full checkpoint::tests::format::each_of_10_000
    checkpoint::tests::place::another_user_s_file power_cut proxies::the_environment_s suspended::a_suspended_upload)
export OSS_TEST_SLOWNESS=5
cargo test --target "$rust_target" --lib --test resume --test transport -- $(printf -- '--skip %s ' "${left_out[@]}")

say 'Packages for C'
scripts/package.sh "$platform"
start_local_oss
mkdir "$work/prefix"
tar xzf "$target"/package/*.tar.gz -C "$work/prefix" --strip-components 1
for kind in shared static; do
    library=-loss_upload
    [ $kind = shared ] || library='-l:liboss_upload.a -lgcc_s -lm -lpthread -ldl'
    "${binutils}gcc" -std=c99 -Wall -Wextra -Werror -I"$work/prefix/include" examples/upload.c -L"$work/prefix/lib" $library -o "$work/$kind"
    c_program() { PART_SIZE=1048576 MAX_BYTES_PER_SECOND=12582912 LD_LIBRARY_PATH=$work/prefix/lib exec "${emulated[@]}" "$work/${1%.*}" "$endpoint" demo "$1" "$2"; }
    kill_and_resume "$kind.c" c_program
done
scenarios "$work/prefix/lib/liboss_upload.so" "${binutils}gcc" "${emulated[@]}"

say 'The wheel, with a Python for arm64'
scripts/wheels.sh "$platform"
python3 -m zipfile -e "$target"/wheels/*_aarch64.whl "$work/site"
wheel() {
    export PYTHONPATH=$work/site OSS_ENDPOINT=$endpoint PYTHONDONTWRITEBYTECODE=1
    exec "${emulated[@]}" "$target/root-$debian/usr/bin/python3" -m oss_upload --quiet --resume --part-size 1MiB --max-rate 12MiB "$2" "oss://demo/$1"
}
kill_and_resume wheel wheel
