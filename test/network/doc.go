// Package network has seven real nodes, each in a Linux network namespace of its own, and
// cuts links between them: what members conclude, and whom they tell, when the network
// fails. It needs nothing but nsenter and ip (util-linux, iproute2), and root or a
// kernel that lets a plain user have namespaces.
package network
