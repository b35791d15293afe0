package succession

import (
	"path/filepath"

	"entrechat/internal/kit/fit"
	"entrechat/internal/kit/peer"
	"entrechat/internal/room/succession/pack"
	"entrechat/internal/room/succession/pack/fill"
	"entrechat/internal/room/succession/pack/report"
)

// sealedDir holds what is sealed, in the room's folder beside one folder for each service of ours;
// no service has such a name.
const sealedDir = "_sealed"

func (r *Room) openPacks() {
	visitor := peer.NewVisitor(peer.Needs{Private: r.Private, Now: r.Now, Log: r.Log})
	r.Pack = pack.New(pack.Needs{
		DB: r.DB, Dir: filepath.Join(r.Dir, sealedDir), Signer: r.Signer, Promises: r.Promises, Keys: r.Book, Peer: r.Peer, Now: r.Now, Log: r.Log,
	})
	r.Fill = fill.New(fill.Needs{
		DB: r.DB, Dir: r.Dir, Secrets: r.Secrets, Lang: r.Lang, Signer: r.Signer, Promises: r.Promises, Packs: r.Pack, Rooms: r.Rooms, Fetch: visitor.Fetch, Now: r.Now, Log: r.Log,
	})
	r.Reports = &report.Reports{Self: r.Signer.ID(), Packs: r.Pack, Fill: r.Fill, Promises: r.Promises, Pointer: r.Pointers.Read, Now: r.Now}
}

// packFittings are what packs hand to the house.
func (r *Room) packFittings() fit.Fittings {
	return fit.Fittings{
		Web: r.Reports.Pages, Peer: r.Pack.PeerRoutes(), Jobs: append(r.Pack.Jobs(), r.Fill.Jobs()...), Checks: r.Reports.Checks(), Metrics: r.Reports.Metrics, Limits: r.Reports.Limits,
	}
}
