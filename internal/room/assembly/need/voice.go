package need

import (
	"context"
	"errors"

	"entrechat/internal/core"
	"entrechat/internal/kit/db"
	"entrechat/internal/kit/jobs"
)

// open reads a published need that stands for itself. Returns CodeNotFound.
func open(ctx context.Context, q db.Querier, id string) (Need, error) {
	n, err := get(ctx, q, id)
	if err == nil && n.MergedInto != "" {
		n, err = get(ctx, q, n.MergedInto)
	}
	if err == nil && n.Standing != Published {
		err = core.NotFound("assembly.need.unknown", errors.New("not published"))
	}
	return n, err
}

// AlsoAccount counts an account of ours once. Returns CodeNotFound.
func (s *Service) AlsoAccount(ctx context.Context, id, account string) error {
	return s.also(ctx, id, s.keys.voice("account", account))
}

func (s *Service) also(ctx context.Context, id, voice string) error {
	return s.n.DB.Tx(ctx, func(ctx context.Context, q db.Querier) error {
		n, err := open(ctx, q, id)
		if err != nil {
			return err
		}
		there, err := saidAmong(ctx, q, []string{n.ID}, voice)
		if err != nil || there[n.ID] {
			return err
		}
		return addVoice(ctx, q, n.ID, voice)
	})
}

// SaidAlso says at which of some needs an account is counted already.
func (s *Service) SaidAlso(ctx context.Context, ids []string, account string) (map[string]bool, error) {
	return saidAmong(ctx, s.n.DB, ids, s.keys.voice("account", account))
}

// AskAlso writes to an address that it may say "me too"; whoever owns it counts once they
// confirm. The answer is the same whether they did before. Returns CodeInvalid, CodeNotFound,
// CodeFull for too many from one network, CodeUnsure where nobody carries mails.
func (s *Service) AskAlso(ctx context.Context, id, typed, lang, network string) error {
	address, err := parseAddress(typed)
	if err != nil {
		return err
	}
	if !s.CanMail() {
		return core.Unsure("assembly.need.no_mail", errors.New("no mail server"))
	}
	n, err := open(ctx, s.n.DB, id)
	if err != nil {
		return err
	}
	if !s.networks.Admit("also "+network, 10*perNetwork, 0, s.n.Now()) {
		return core.Full("assembly.need.too_many", errors.New("too many from one network"))
	}
	if !s.admit(claimVoice, address) {
		return nil // too much for the address: who typed it learns nothing of it
	}
	p := s.n.Words.Printer(lang)
	fill := map[string]any{"Hoster": string(s.n.Self), "Link": s.claimLink(claimVoice, n.ID, address)}
	err = s.n.DB.Tx(ctx, func(ctx context.Context, q db.Querier) error {
		return s.put(ctx, q, n.ID, letter{address, p.T("assembly.need.mail_voice_title", fill), p.T("assembly.need.mail_voice_text", fill)})
	})
	s.poke()
	return err
}

// Confirm does what a mailed link is for; doing it again changes nothing. Returns CodeDenied,
// CodeNotFound.
func (s *Service) Confirm(ctx context.Context, text, sig string) error {
	c, err := s.keys.readClaim(text, sig, s.n.Now())
	if err != nil {
		return err
	}
	if c.kind == claimVoice {
		return s.also(ctx, c.need, c.voice)
	}
	_, err = s.change(ctx, c.need, func(ctx context.Context, q db.Querier, n *Need) error {
		if len(n.address) == 0 {
			return core.NotFound("assembly.need.link_over", errors.New("the address is gone"))
		}
		k, err := s.openAddress(*n)
		if err != nil {
			return err
		}
		if s.keys.voice("address", k.Address) != c.voice {
			return core.Denied("assembly.need.bad_link", errors.New("a link for another address"))
		}
		if n.Confirmed != 0 {
			return nil
		}
		n.Confirmed = s.now()
		return s.catchUp(ctx, q, *n)
	})
	return err
}

// catchUp mails what was said before the address was confirmed.
func (s *Service) catchUp(ctx context.Context, q db.Querier, n Need) error {
	one := []Need{n}
	if n.MergedInto != "" { // its answers are those of the other
		into, err := get(ctx, q, n.MergedInto)
		if err != nil {
			return err
		}
		one[0] = into
	}
	switch {
	case n.Standing == Refused:
		return s.write(ctx, q, n, mailRefused, Answer{})
	case one[0].State != "":
		if err := fill(ctx, q, one); err != nil || len(one[0].Answers) == 0 {
			return err
		}
		return s.write(ctx, q, n, mailAnswered, one[0].Answers[len(one[0].Answers)-1])
	case n.Standing == Published:
		return s.write(ctx, q, n, mailPublished, Answer{})
	}
	return nil
}

// ForgetAddress drops the address of a need, and what waits to be sent to it; its author
// wants it.
func (s *Service) ForgetAddress(ctx context.Context, id string) error {
	_, err := s.change(ctx, id, func(ctx context.Context, q db.Querier, n *Need) error {
		if err := s.dropLetters(ctx, q, *n); err != nil {
			return err
		}
		n.address, n.Confirmed = nil, 0
		return nil
	})
	return err
}

// GiveAddress seals the address that the author of a need types later, and asks its owner.
// Returns CodeInvalid, CodeConflict where there is one, CodeFull, CodeUnsure where nobody
// carries mails.
func (s *Service) GiveAddress(ctx context.Context, id, token, typed, network string) error {
	address, err := parseAddress(typed)
	if err != nil {
		return err
	}
	if !s.CanMail() {
		return core.Unsure("assembly.need.no_address", errors.New("no mail server"))
	}
	if !s.networks.Admit("address "+network, 10*perNetwork, 0, s.n.Now()) {
		return core.Full("assembly.need.too_many", errors.New("too many from one network"))
	}
	_, err = s.change(ctx, id, func(ctx context.Context, q db.Querier, n *Need) error {
		if len(n.address) > 0 {
			return core.Conflict("assembly.need.has_address", errors.New("there is one"))
		}
		n.address, n.Asked = s.sealAddress(n.ID, kept{Address: address, Token: token}), s.now()
		return s.askAddress(ctx, q, *n, address)
	})
	return err
}

// Merge puts a published need under another: one answer is for both, and who needs either is
// counted once. Split undoes it exactly. Returns CodeInvalid, CodeConflict, CodeNotFound.
func (s *Service) Merge(ctx context.Context, id, into string) (Need, error) {
	if id == into {
		return Need{}, core.Invalid("assembly.need.bad_merge", errors.New("into itself"))
	}
	return s.change(ctx, id, func(ctx context.Context, q db.Querier, n *Need) error {
		target, err := get(ctx, q, into)
		if err != nil {
			return err
		}
		below, err := mergedInto(ctx, q, n.ID)
		if err != nil {
			return err
		}
		if n.Standing != Published || target.Standing != Published || n.MergedInto != "" || target.MergedInto != "" || len(below) > 0 {
			return core.Conflict("assembly.need.bad_merge", errors.New("not published, or merged already"))
		}
		n.MergedInto = into
		return nil
	})
}

// Split undoes a merge. Returns CodeConflict for what is not merged, CodeNotFound.
func (s *Service) Split(ctx context.Context, id string) (Need, error) {
	return s.change(ctx, id, func(_ context.Context, _ db.Querier, n *Need) error {
		if n.MergedInto == "" {
			return core.Conflict("assembly.need.not_merged", errors.New("not merged"))
		}
		n.MergedInto = ""
		return nil
	})
}

// Jobs are the work of the running node.
func (s *Service) Jobs() []jobs.Job {
	return []jobs.Job{
		{Name: "assembly-need-mail", Run: s.deliver},
		{Name: "assembly-need-forget", Every: 6 * day / 24, Jitter: day / 24, Run: s.Forget},
	}
}

// Forget drops addresses and refused texts whose time is over, and mails that cannot be sent.
func (s *Service) Forget(ctx context.Context) error {
	now := s.now()
	return s.n.DB.Tx(ctx, func(ctx context.Context, q db.Querier) error {
		if err := forgetAddresses(ctx, q, now); err != nil {
			return err
		}
		return errors.Join(forgetRefused(ctx, q, now.Add(-addressKept)), dropOldMails(ctx, q, now.Add(-7*day)))
	})
}
