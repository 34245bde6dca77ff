module github.com/oss-upload/liboss_upload/bindings/go

go 1.21
