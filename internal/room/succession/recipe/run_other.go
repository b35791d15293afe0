//go:build !linux

package recipe

import "syscall"

// endWithUs does nothing where the kernel cannot: a process may outlive ours until its pipes end.
func endWithUs(*syscall.SysProcAttr) {}
