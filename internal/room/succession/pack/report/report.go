package report

import (
	"time"

	"entrechat/internal/core"
	"entrechat/internal/room/succession/pack"
	"entrechat/internal/room/succession/pack/fill"
	"entrechat/internal/room/succession/promise"
)

// Reports says how packs stand: ours, and those of others that are here.
type Reports struct {
	Self     core.MemberID
	Packs    *pack.Service
	Fill     *fill.Filler
	Promises *promise.Promises
	Now      func() time.Time
}

func (s *Reports) now() core.Moment { return core.At(s.Now()) }

func (s *Reports) self() core.MemberID { return s.Self }
