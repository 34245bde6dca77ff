package oss_test

import "syscall"

// WSAECONNREFUSED, which package syscall does not name. Its ECONNREFUSED is a number that Windows never returns.
const connectionRefused = syscall.Errno(10061)
