// Package scale measures the real binary beside the peers it is compared with, in
// one run, and writes docs/benchmarks.md. It takes minutes and gigabytes, so it
// only runs when asked: go test -tags scale ./test/scale -timeout 60m -v
package scale
