package signin

import (
	"context"
	"net/http"

	"entrechat/internal/kit/db"
	"entrechat/internal/kit/seal"
	"entrechat/internal/room/identity/audit"
	"entrechat/internal/room/identity/credential"
	"entrechat/internal/room/identity/person"
)

// invited is who holds a link with which a person chooses how to sign in.
type invited struct {
	token
	who person.Person
	// Passkey says whether a passkey may be made with it. A link that came by mail does not
	// get around one-time codes that the person asked for.
	passkey bool
}

// invitee finds whose a link is. Returns CodeNotFound "identity.signin.link_gone", and what
// mayEnter does.
func (s *Service) invitee(ctx context.Context, text string) (found invited, err error) {
	if found.token, err = s.held(ctx, text, tokenInvite, tokenRecover); err != nil {
		return found, err
	}
	if found.person == "" {
		return found, nil // to make an account with
	}
	if found.who, err = s.n.People.Get(ctx, found.person); err != nil {
		return found, err
	}
	if err := mayEnter(found.who); err != nil {
		return found, err
	}
	second, err := s.n.Seconds.HasSecond(ctx, found.person)
	found.passkey = s.n.Passkeys.HavePasskeys() && !second
	return found, err
}

// choosePassword takes a new password by a link. All sessions end: who recovers an account
// may not know who else is in it. The person is signed in, by way of the second factor where
// one stands.
func (s *Service) choosePassword(w http.ResponseWriter, r *http.Request, text, password string) (next string, err error) {
	by, err := s.invitee(r.Context(), text)
	if err != nil {
		return "", err
	}
	if by.person == "" {
		return "", linkGone("nobody's invite")
	}
	hashed, err := s.n.Passwords.Hash(r.Context(), password, by.who.Handle, by.who.Name, by.who.Mail)
	if err != nil {
		return "", err
	}
	now, from := s.now(), From(r)
	err = s.n.DB.Tx(r.Context(), func(ctx context.Context, q db.Querier) error {
		if err := use(ctx, q, text, now); err != nil {
			return err
		}
		if err := s.n.Passwords.PutPassword(ctx, q, by.person, hashed); err != nil {
			return err
		}
		if _, err := s.n.Sessions.EndAll(ctx, q, by.person, ""); err != nil {
			return err
		}
		return audit.Append(ctx, q, now, audit.Event{Person: by.person, By: by.person, Kind: audit.PasswordSet, About: string(by.kind), From: from})
	})
	if err != nil {
		return "", err
	}
	second, err := s.n.Seconds.HasSecond(r.Context(), by.person)
	if err != nil {
		return "", err
	}
	if second {
		return pathSecond, s.begin(w, r, step{person: by.person, next: pathHome, amr: "pwd"})
	}
	return pathHome, s.enter(w, r, by.who, "pwd")
}

// askPasskey asks the device of who holds a link to make a passkey.
func (s *Service) askPasskey(ctx context.Context, text string) (credential.Ask, error) {
	by, err := s.invitee(ctx, text)
	if err != nil {
		return credential.Ask{}, err
	}
	if by.person == "" || !by.passkey {
		return credential.Ask{}, linkGone("no passkey by this link")
	}
	return s.n.Passkeys.BeginPasskey(ctx, seal.TokenHash(text), by.who)
}

// choosePasskey takes the passkey that was made by a link, and signs the person in. The passkey
// is kept when the link is used, and not where somebody else used it meanwhile.
func (s *Service) choosePasskey(w http.ResponseWriter, r *http.Request, text string) (next string, err error) {
	by, err := s.invitee(r.Context(), text)
	if err != nil {
		return "", err
	}
	if by.person == "" || !by.passkey {
		return "", linkGone("no passkey by this link")
	}
	now, from := s.now(), From(r)
	_, err = s.n.Passkeys.FinishPasskey(r.Context(), by.person, Answer(r, seal.TokenHash(text)), "", func(ctx context.Context, q db.Querier, made credential.Passkey) error {
		if err := use(ctx, q, text, now); err != nil {
			return err
		}
		if _, err := s.n.Sessions.EndAll(ctx, q, by.person, ""); err != nil {
			return err
		}
		return audit.Append(ctx, q, now, audit.Event{Person: by.person, By: by.person, Kind: audit.PasskeyAdded, About: made.ID, From: from})
	})
	if err != nil {
		return "", Again(err)
	}
	return pathHome, s.enter(w, r, by.who, "pop", "user")
}
