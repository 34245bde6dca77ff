#!/usr/bin/env bash
# The modules for Go, as a program outside of the checkout gets them: with nothing but Go, a C compiler and a module proxy.
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
need go 'https://go.dev/dl'
name=linux-$(go env GOARCH)
scripts/go-modules.sh "$name"
cargo build --release -p oss-server
start_local_oss
head -c 3M /dev/urandom >"$work/file"

# go COMMAND... in the program's folder, with caches of its own, as if Go had just been installed.
empty() {
    (cd "$work/program" && env -i PATH="$(dirname "$(command -v go)"):/usr/bin:/bin" HOME="$work/home" GOPROXY="file://$target/go-modules/proxy" \
        GOSUMDB=off GOTOOLCHAIN=local GOFLAGS=-modcacherw "$@")
}
upload() {
    "$work/program/program" "$endpoint" "$OSS_REGION" "$work/file" demo "$1" >/dev/null
    same_as_stored "$1" "$work/file"
    ! readelf -d "$work/program/program" | grep -q 'NEEDED.*oss_upload'
}

mkdir "$work/program" "$work/home"
cp bindings/go/oss/testdata/program/main.go "$work/program"
say 'go get, go build'
empty go mod init program
empty go get github.com/oss-upload/liboss_upload/bindings/go/oss
empty go build -o program .
upload got

say 'go mod vendor, and a build without a proxy'
empty go mod vendor
rm "$work/program/program"
empty env GOPROXY=off GOMODCACHE="$work/nothing" go build -mod=vendor -o program .
upload vendored

say 'Elsewhere, the compiler says what to do'
! empty env CGO_ENABLED=1 go vet -tags musl . 2>"$work/complaints"
grep -q oss_upload_pkgconfig "$work/complaints"
