package recipe

import "syscall"

// endWithUs has the kernel kill the process when ours dies, however it dies.
func endWithUs(attr *syscall.SysProcAttr) { attr.Pdeathsig = syscall.SIGKILL }
