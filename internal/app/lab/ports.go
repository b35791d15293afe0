package lab

import (
	"errors"
	"math/rand/v2"
	"net"
	"strconv"
)

// Where the kernel's own choices do not go: port 0 and outgoing connections get one
// from 32768 up (net.ipv4.ip_local_port_range).
const (
	lowestPort  = 15000
	highestPort = 30000
)

// Ports are addresses of loopback for listeners that come later, and come again after
// a restart. A port that was only seen free once may be anybody's by then, so each is
// held through its UDP twin, which no TCP listener minds: other Ports, in this process
// or another, do not choose it.
type Ports struct {
	Addresses []string // host:port, all different
	held      []net.PacketConn
}

// ReservePorts holds count ports until Close, or the end of the process. Returns an
// error when loopback has no more.
func ReservePorts(count int) (*Ports, error) {
	p := &Ports{}
	for tries := 0; len(p.held) < count; tries++ {
		if tries > 100*count+1000 {
			return nil, errors.Join(errors.New("no free port on loopback"), p.Close())
		}
		p.try("127.0.0.1:" + strconv.Itoa(lowestPort+rand.IntN(highestPort-lowestPort))) //nolint:gosec // any free one will do
	}
	return p, nil
}

// try takes an address when nobody has it.
func (p *Ports) try(address string) {
	twin, err := net.ListenPacket("udp4", address) //nolint:noctx // no name to look up
	if err != nil {
		return
	}
	l, err := net.Listen("tcp4", address) //nolint:noctx // closed at once
	if err == nil {
		err = l.Close()
	}
	if err != nil {
		_ = twin.Close()
		return
	}
	p.Addresses, p.held = append(p.Addresses, address), append(p.held, twin)
}

// Close gives the ports back.
func (p *Ports) Close() error {
	all := make([]error, 0, len(p.held))
	for _, twin := range p.held {
		all = append(all, twin.Close())
	}
	p.held = nil
	return errors.Join(all...)
}
