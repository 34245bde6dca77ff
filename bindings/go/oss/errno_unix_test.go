//go:build !windows

package oss_test

import "syscall"

const connectionRefused = syscall.ECONNREFUSED
