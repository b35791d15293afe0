package report

import (
	"context"
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
	// Pointer reads the pointer that a person typed: a file, or MEMBER/NAME of one sent to this node.
	Pointer func(ctx context.Context, typed string) ([]byte, error)
	Now     func() time.Time
}

func (s *Reports) now() core.Moment { return core.At(s.Now()) }

func (s *Reports) self() core.MemberID { return s.Self }
