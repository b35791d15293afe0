package pack

import (
	"context"
	"errors"
	"slices"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/jobs"
	"entrechat/internal/room/succession/promise"
)

// Jobs send packs, and look after those of others.
func (s *Service) Jobs() []jobs.Job {
	return []jobs.Job{
		{Name: "succession-send", Every: 15 * time.Second, Jitter: 5 * time.Second, Run: s.Deliver},
		{Name: "succession-held", Every: 7 * day, Jitter: day, Run: s.Tidy},
	}
}

// Tidy hashes every sealed file, forgets packs of owners that do not name us any more when their
// proofs are old, and files that no pack is about.
func (s *Service) Tidy(ctx context.Context) error {
	all, err := allPacks(ctx, s.n.DB)
	if err != nil {
		return err
	}
	known := map[string]bool{}
	for _, r := range all {
		known[blobName(r.Pack)] = true
		if gone, err := s.old(ctx, r.Pack); err != nil {
			return err
		} else if gone {
			if err := s.drop(ctx, r.Pack); err != nil {
				return err
			}
			continue
		}
		if r.kept == 0 {
			continue
		}
		sum, _, err := s.hashKept(r.Pack, "")
		if err == nil && sum != r.Sealed {
			err = s.damaged(ctx, r.Pack)
		}
		if err != nil {
			return err
		}
	}
	return s.sweep(known)
}

// old says whether a pack is of an owner that names us no more, and half a year old. A pact that
// ended is no matter: that of a dead owner ends too.
func (s *Service) old(ctx context.Context, p Pack) (bool, error) {
	if p.Owner == s.self() || s.now().Sub(p.Made) < Fresh {
		return false, nil
	}
	named, err := s.n.Promises.Of(ctx, p.Owner)
	return !slices.ContainsFunc(named, func(n promise.Successor) bool { return n.Member == s.self() && n.Service == p.Service }), err
}

// sweep removes files that no pack is about, a day old: of a process that ended between the file
// and its row.
func (s *Service) sweep(known map[string]bool) error {
	var old []string
	err := s.disk.Walk("", func(name string) error {
		info, err := s.disk.Stat(name)
		if err == nil && !known[name] && s.n.Now().Sub(info.ModTime()) > day {
			old = append(old, name)
		}
		if core.CodeOf(err) == core.CodeNotFound {
			return nil
		}
		return err
	})
	for _, name := range old {
		err = errors.Join(err, s.disk.Remove(name))
	}
	return err
}
