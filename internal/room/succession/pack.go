package succession

import "entrechat/internal/room/succession/pack"

func (r *Room) openPacks() *pack.Service {
	return pack.New(pack.Needs{
		DB: r.DB, Dir: r.Dir, Secrets: r.Secrets, Lang: r.Lang, Signer: r.Signer, Promises: r.Promises, Keys: r.Book, Peer: r.Peer, Ask: r.Needs.Packs, Now: r.Now, Log: r.Log,
	})
}
