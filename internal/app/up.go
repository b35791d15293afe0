package app

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"runtime/debug"
	"time"

	"entrechat/internal/app/listen"
	"entrechat/internal/kit/jobs"
	"entrechat/internal/kit/obs"
	"entrechat/internal/kit/peer"
)

const (
	// graceful is how long running requests may take to end when the node stops.
	graceful = 20 * time.Second
	// hangUp is after how much of it they are told to: a long poll would hold the stop
	// until whoever stops us (docker after 10 s) kills us in the middle of it.
	hangUp = 2 * time.Second
)

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

// server is the running node: its listeners and jobs.
type server struct{ *App }

// Up serves until ctx ends: one listener for members, one on loopback for this
// machine's tools. ready is called once both listen.
func (a *App) Up(ctx context.Context, ready func()) error {
	s := server{a}
	repaired, err := a.DB.Repair(ctx)
	if err != nil {
		return err
	}
	if repaired {
		a.Log.Error("the database's indexes were damaged on this disk; they are made anew: check that disk")
	}
	if err := s.start(ctx); err != nil {
		return err
	}
	public, err := listen.On(ctx, "node.listen", a.Config.Node.Listen)
	if err != nil {
		return err
	}
	defer public.Close() //nolint:errcheck // the server closes it first
	tools, err := listen.On(ctx, "tools.listen", a.Config.Tools.Listen)
	if err != nil {
		return err
	}
	defer tools.Close() //nolint:errcheck // the server closes it first
	room := peer.RoomFor(peer.Descriptors())
	public, tools = peer.Bounded(public, room.Public), peer.Bounded(tools, room.Tools)
	if public, err = listen.WithTLS(public, a.Config.Node.Cert, a.Config.Node.Key); err != nil {
		return err
	}
	metrics := obs.NewMetrics()
	servers := []*http.Server{
		peer.NewServer("", s.publicHandler(peer.NewGate(room.Public, a.Config.Node.Networks()))),
		peer.NewServer("", peer.Tools(s.toolsHandler(metrics))),
	}
	for _, s := range servers {
		peer.LogTo(s, a.Log)
	}
	requests, hang := context.WithCancel(context.WithoutCancel(ctx))
	defer hang()
	ended := make(chan error, len(servers))
	for i, l := range []net.Listener{public, tools} {
		servers[i].BaseContext = func(net.Listener) context.Context { return requests }
		go func() { ended <- servers[i].Serve(l) }()
	}
	ready()
	debug.FreeOSMemory() // what only starting needed; most nodes then wait for hours
	err = s.work(ctx, metrics.Watch(s.jobs()), ended)
	defer time.AfterFunc(hangUp, hang).Stop()
	return errors.Join(err, listen.Stop(servers, graceful)) //nolint:contextcheck // ctx has ended; requests get a little longer
}

// start readies the rooms.
func (s server) start(ctx context.Context) error {
	for _, f := range s.fittings {
		if f.Start == nil {
			continue
		}
		if err := f.Start(ctx); err != nil {
			return err
		}
	}
	return nil
}

// work runs the jobs until ctx ends or a server fails.
func (s server) work(ctx context.Context, work []jobs.Job, ended <-chan error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	done := make(chan struct{})
	go func() {
		defer close(done)
		jobs.Run(ctx, s.Log, work)
	}()
	var err error
	select {
	case <-ctx.Done():
	case err = <-ended:
		cancel()
	}
	<-done
	return err
}

// publicHandler is what the world reaches: the members' endpoints and the rooms'
// pages, all behind one gate.
func (s server) publicHandler(gate *peer.Gate) http.Handler {
	var routes []peer.Route
	for _, f := range s.fittings {
		routes = append(routes, f.Peer...)
	}
	needs := s.peerNeeds()
	needs.Gate, needs.DB = gate, s.DB
	site, pages := s.newSite(), http.NewServeMux()
	for _, f := range s.fittings {
		for _, page := range f.Pages {
			pages.Handle(page.Pattern, page.Handler)
		}
	}
	pages.Handle("/", site.Handler())
	members, mux := peer.NewHandler(needs, routes), http.NewServeMux()
	mux.Handle("/ec/", members)
	mux.Handle("/log/", members)
	mux.Handle("/.well-known/entrechat.json", members)
	mux.Handle("/", gate.Pages(pages, time.Now, site.Busy))
	var front http.Handler = mux
	for _, f := range s.fittings {
		if f.Front != nil {
			front = f.Front(front)
		}
	}
	return front
}

// toolsHandler is what only this machine reaches.
func (s server) toolsHandler(metrics obs.Metrics) http.Handler {
	var sources []obs.Source
	for _, f := range s.fittings {
		if f.Metrics != nil {
			sources = append(sources, obs.Source{Part: f.Name, Ask: f.Metrics})
		}
	}
	metrics.Collect(sources, s.Log)
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", metrics.Handler())
	mux.Handle("GET /healthz", http.HandlerFunc(s.healthz))
	for _, f := range s.fittings {
		for _, route := range f.Tools {
			mux.Handle(route.Pattern, route.Handler)
		}
	}
	return listen.OnlyOurs(mux, s.Config.Tools.Listen, s.Lang.T("app.other_host", map[string]any{"Listen": s.Config.Tools.Listen}))
}

// healthz says whether the node can do its work: the database answers, and the rooms
// have started.
func (s server) healthz(w http.ResponseWriter, r *http.Request) {
	var health obs.Health
	for _, f := range s.fittings {
		if f.Health == nil {
			continue
		}
		found, err := f.Health(r.Context())
		if err != nil {
			err = errors.New(s.Lang.Error(err))
		}
		health.Set(f.Name, err)
		switch {
		case err != nil || found.Key == "":
		case found.Unknown:
			health.Starting(f.Name, s.Lang.T(found.Key, found.Args))
		default:
			health.Aside(f.Name, s.Lang.T(found.Key, found.Args))
		}
	}
	health.ServeHTTP(w, r)
}

func (s server) jobs() []jobs.Job {
	var all []jobs.Job
	for _, f := range s.fittings {
		all = append(all, f.Jobs...)
	}
	return all
}
