package lab

import (
	"net"
	"testing"
)

// A reserved port is free for its listener and for nobody else's reservation.
func TestPortsAreHeld(t *testing.T) {
	first, err := ReservePorts(20)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, address := range first.Addresses {
		if seen[address] {
			t.Errorf("%s twice", address)
		}
		seen[address] = true
		other := &Ports{}
		if other.try(address); len(other.Addresses) != 0 {
			t.Errorf("%s was given away twice", address)
		}
		l, err := net.Listen("tcp", address)
		if err != nil {
			t.Fatalf("its listener does not get %s: %v", address, err)
		}
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
}
