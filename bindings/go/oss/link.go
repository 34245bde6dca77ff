//go:build !oss_upload_pkgconfig

package oss

// What a checkout links. In the module that scripts/go-modules.sh makes, other files take the place of this one.

/*
#cgo !oss_upload_static LDFLAGS: -L${SRCDIR}/../../../target/release -loss_upload
#cgo !oss_upload_static LDFLAGS: -Wl,-rpath,${SRCDIR}/../../../target/release
#cgo oss_upload_static LDFLAGS: ${SRCDIR}/../../../target/release/liboss_upload.a
#cgo oss_upload_static LDFLAGS: -lgcc_s -lutil -lrt -lpthread -lm -ldl
*/
import "C"
