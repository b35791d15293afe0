package look

import (
	"context"
	"errors"
	"net"
	"syscall"

	probing "github.com/prometheus-community/pro-bing"

	"entrechat/internal/room/watch/target"
)

// echo asks an address for an ICMP echo, as a user without rights may. It is for
// diagnosis: see target.Kind.Decides.
func echo(ctx context.Context, a *Attempt, t target.Target) error {
	ip, err := a.Address(ctx, t.Address)
	if err != nil {
		return err
	}
	p := probing.New("")
	p.SetLogger(probing.NoopLogger{})
	p.SetIPAddr(&net.IPAddr{IP: ip.AsSlice(), Zone: ip.Zone()})
	p.Count, p.RecordRtts, p.RecordTTLs = 1, false, false
	err = p.RunWithContext(ctx)
	if errors.Is(err, syscall.EACCES) || errors.Is(err, syscall.EPERM) {
		return Fail(Unfit, "the system lets nobody ping: sysctl -w net.ipv4.ping_group_range=\"0 2147483647\"")
	}
	if err != nil {
		return err
	}
	got := p.Statistics()
	if got.PacketsRecv == 0 {
		return context.DeadlineExceeded
	}
	a.First(got.AvgRtt)
	return nil
}
