module github.com/oss-upload/liboss_upload/examples/go-service

go 1.21

require github.com/oss-upload/liboss_upload/bindings/go v0.0.0

replace github.com/oss-upload/liboss_upload/bindings/go => ../../bindings/go
