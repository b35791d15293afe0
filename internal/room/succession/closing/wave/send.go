package wave

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"log/slog"
	"slices"
	"time"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/words"
	"entrechat/internal/room/succession/closing/choice"
	"entrechat/internal/room/succession/closing/stage"
	"entrechat/internal/room/succession/promise"
)

// People answers who has an account here.
type People = choice.People

// Mailer carries mails by the hoster's own server.
type Mailer interface {
	CanMail() bool
	Mail(ctx context.Context, to, title, text string) error
}

// Needs is what waves are made of; People and Mailer may find none.
type Needs struct {
	DB     *db.DB
	People func() (People, bool)
	Mailer func() (Mailer, bool)
	// Standing is where a closing of ours stands now: a wave takes long, and stops once it is not due.
	Standing func(ctx context.Context, service string) (stage.Standing, error)
	Words    *words.Catalogue
	Hoster   string // as people call us
	URL      string // of the node, without a slash at its end
	Now      func() time.Time
	Log      *slog.Logger
}

// Waves sends them. Safe for concurrent use, in several processes too.
type Waves struct{ n Needs }

// New makes it.
func New(n Needs) *Waves { return &Waves{n} }

func (w *Waves) now() core.Moment { return core.At(w.n.Now()) }

// maxTries of one mail, in about two days.
const maxTries = 12

// receiver is a person to write to.
type receiver struct{ key, mail, lang string }

// Send sends what is due of one closing, as far as it is not sent. adopter is who takes it over;
// empty = nobody, or nobody knows.
func (w *Waves) Send(ctx context.Context, s stage.Standing, adopter string) error {
	mailer, ok := w.n.Mailer()
	if !ok || !mailer.CanMail() {
		return nil
	}
	people, ok := w.n.People()
	if !ok {
		return nil
	}
	for _, wave := range Due(s, w.now()) {
		done, err := isDone(ctx, w.n.DB, s.Service, wave.Name)
		if err != nil {
			return err
		}
		if done {
			continue
		}
		all, err := receivers(ctx, people)
		if err != nil {
			return err
		}
		if err := w.wave(ctx, mailer, run{s, wave, adopter}, all); err != nil {
			return err
		}
	}
	return nil
}

func receivers(ctx context.Context, people People) (all []receiver, err error) {
	err = people.EachPerson(ctx, func(id, _, mail, lang, _ string) error {
		if mail != "" {
			sum := sha256.Sum256([]byte("entrechat succession wave\n" + id))
			all = append(all, receiver{hex.EncodeToString(sum[:]), mail, lang})
		}
		return nil
	})
	return all, err
}

// run is one wave of one closing.
type run struct {
	stage.Standing

	wave    Wave
	adopter string
}

// wave sends to everybody who did not have it.
func (w *Waves) wave(ctx context.Context, m Mailer, r run, all []receiver) error {
	if err := begin(ctx, w.n.DB, r.Service, r.wave.Name, w.now()); err != nil {
		return err
	}
	waiting, sent := 0, 0
	for _, to := range all {
		if err := ctx.Err(); err != nil {
			return err
		}
		if due, err := w.due(ctx, r); err != nil || !due {
			return err
		}
		now, mine, err := w.one(ctx, m, r, to)
		if err != nil {
			return err
		}
		if now == stateFailed {
			waiting++
		} else if mine {
			sent++
		}
	}
	if sent > 0 {
		w.n.Log.Info("people were written to about the end of a service", "service", r.Service, "mails", sent)
	}
	if waiting > 0 {
		return nil
	}
	return finish(ctx, w.n.DB, r.Service, r.wave.Name, w.now())
}

// due says whether a wave is due still: its closing may have been withdrawn or moved while it is sent.
func (w *Waves) due(ctx context.Context, r run) (bool, error) {
	s, err := w.n.Standing(ctx, r.Service)
	return slices.ContainsFunc(Due(s, w.now()), func(other Wave) bool { return other.Name == r.wave.Name }), err
}

// one sends one mail, unless it was sent, or is to be tried later; mine says that it was sent now. It
// is noted as being sent before it is: one that a kill interrupted counts as sent, since it may have
// gone out.
func (w *Waves) one(ctx context.Context, m Mailer, r run, to receiver) (now state, mine bool, err error) {
	k := key{r.Service, r.wave.Name, to.key}
	now, tries, err := claim(ctx, w.n.DB, k, w.now())
	if err != nil || now != stateSending {
		return now, false, err
	}
	title, text := w.letter(r, to.lang)
	now = stateSent
	if err := m.Mail(ctx, to.mail, title, text); err != nil {
		if ctx.Err() != nil {
			return now, false, ctx.Err() // it may have gone out
		}
		w.n.Log.Warn("a mail about the end of a service was not sent", "service", r.Service, "try", tries, "code", string(core.CodeOf(err)))
		if now = stateFailed; tries >= maxTries {
			now = stateGivenUp
		}
	}
	return now, now == stateSent, settle(context.WithoutCancel(ctx), w.n.DB, k, now, w.now().Add(pause(tries)))
}

// pause is how long after a failed try the next one is.
func pause(tries int64) time.Duration {
	return min(time.Minute<<min(tries, 10), 8*time.Hour)
}

// letter is the mail in the person's language.
func (w *Waves) letter(r run, lang string) (title, text string) {
	p := w.n.Words.Printer(lang)
	name := r.Service
	if name == promise.Accounts {
		name = p.T("succession.wave.accounts", nil)
	}
	fill := map[string]any{
		"Hoster": w.n.Hoster, "Service": name, "Day": p.Day(r.LastDay.Start()), "Days": r.wave.Days, "Count": r.wave.Days, "Adopter": r.adopter,
		"Link": w.n.URL + "/succession/" + w.n.Hoster, "Choose": w.n.URL + "/succession/choice",
	}
	kind := string(r.wave.Kind)
	return p.T("succession.wave."+kind+"_title", fill), p.T("succession.wave."+kind+"_text", fill)
}

// Counts are how far a wave is.
type Counts struct {
	Wave                           string
	Sent, Waiting, Unsure, GivenUp int64
	Done                           bool
}

// Of lists the waves of a service that were begun.
func (w *Waves) Of(ctx context.Context, service string) ([]Counts, error) {
	return counts(ctx, w.n.DB, service)
}
