package succession

import "entrechat/internal/room/succession/domain"

// openDomains makes what looks at domains before a service moves.
func (r *Room) openDomains() *domain.Service {
	return domain.New(domain.Needs{
		DB: r.DB, Source: domain.Reader{Names: domain.System{}, Private: r.Private, Now: r.Now}, Registries: find[domain.Registries](r.Rooms), Now: r.Now,
	})
}
