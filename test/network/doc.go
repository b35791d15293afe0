// Package network has seven real nodes, each in a Linux network namespace of its own, and
// cuts links between them: what members conclude, and whom they tell, when the network
// fails. It needs nothing but nsenter and ip (util-linux, iproute2), and root or a
// kernel that lets a plain user have namespaces.
//
//	go test -tags long ./test/network -timeout 20m -v
//
// Last full run: 2026-11-30, passed in 235 s, at a load of 10 on two cores; at a load of 45 its
// time limits ran out once. That nobody is told twice is proved by the deterministic tests of
// watch/alert/delivery, not here.
package network
