// Package crash tells what goes wrong at hosters' places, with real processes:
// nodes killed at any moment, disks that fill up, members that lie and strangers
// who send anything. The short form runs with every test; the full one with
//
//	go test -tags long -run Kill ./test/crash -timeout 30m -v
//
// CRASH_SEED=n repeats the randomness of an earlier run, as far as the machine's
// own timing allows.
package crash
