package exposition

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"regexp"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"entrechat/internal/core"
	"entrechat/internal/kit/fit"
	"entrechat/internal/room/watch/look"
)

// The bounds of one call of an Alertmanager.
const (
	MaxWebhook = 1 << 20 // bytes
	MaxAlerts  = 500
	maxText    = 300 // bytes of what is taken of one text
	// MaxID bounds an Alert's ID, in bytes: the name of a notice has room for it.
	MaxID = 51
)

// LabelTarget is the label by which a rule names one of our local targets: by its ID, or
// its service.
const LabelTarget = "entrechat_target"

// Alert is an alert of another program.
type Alert struct {
	// ID is the same each time that the alert is told, and no other alert's: who takes it may
	// be told of it again and again. Letters, digits and -._ only, at most MaxID.
	ID       string
	Name     string
	Service  string // of labels service, job or instance; may be empty
	Severity string
	Summary  string
	Target   string // what LabelTarget says; may be empty
	Firing   bool   // false = it is over
	Since    core.Moment
	Until    core.Moment // when it was over; zero while it fires
}

// Receiver takes alerts of other programs.
type Receiver interface {
	// Found takes an alert that names one of our local targets as a look at it. Returns
	// CodeNotFound when there is no such target; then the alert is a notice.
	Found(ctx context.Context, target string, r look.Result) error
	// Notice tells our admins. The same ID is told once until it is over.
	Notice(ctx context.Context, a Alert) error
}

// Webhook is where Alertmanager sends its alerts: POST with the token as bearer, on the
// listener of this machine's own programs. Without a token nothing is taken.
func Webhook(token string, to Receiver, now func() time.Time) fit.Route {
	return fit.Route{Pattern: "POST /watch/alerts", Handler: webhook{sha256.Sum256([]byte(token)), token != "", to, now}}
}

type webhook struct {
	hash [sha256.Size]byte
	on   bool
	to   Receiver
	now  func() time.Time
}

func (h webhook) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	given, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	hash := sha256.Sum256([]byte(given))
	if !ok || !h.on || subtle.ConstantTimeCompare(hash[:], h.hash[:]) != 1 {
		w.Header().Set("WWW-Authenticate", "Bearer")
		http.Error(w, "the token of [watch] is wanted", http.StatusUnauthorized)
		return
	}
	text, err := io.ReadAll(http.MaxBytesReader(w, r.Body, MaxWebhook))
	if err != nil {
		http.Error(w, "the body is too large, or broke off", http.StatusBadRequest)
		return
	}
	alerts, err := Decode(text, core.At(h.now()))
	if err != nil {
		http.Error(w, "this is no message of an Alertmanager", http.StatusBadRequest)
		return
	}
	for _, a := range alerts {
		if err := h.take(r.Context(), a); err != nil {
			// Alertmanager tries again after any 5xx, with all of them: each has its ID.
			http.Error(w, "try again", http.StatusServiceUnavailable)
			return
		}
	}
	w.WriteHeader(http.StatusOK)
}

func (h webhook) take(ctx context.Context, a Alert) error {
	if a.Target != "" {
		r := look.Result{At: core.At(h.now()), Detail: clip(a.Name+": "+a.Summary, 200)}
		if a.Firing {
			r.Class = look.Failed
		}
		if err := h.to.Found(ctx, a.Target, r); core.CodeOf(err) != core.CodeNotFound {
			return err
		}
	}
	return h.to.Notice(ctx, a)
}

// message is what of Alertmanager's webhook is read; it may hold more.
type message struct {
	Version string `json:"version"`
	Alerts  []struct {
		Status      string            `json:"status"`
		Labels      map[string]string `json:"labels"`
		Annotations map[string]string `json:"annotations"`
		StartsAt    time.Time         `json:"startsAt"`
		EndsAt      time.Time         `json:"endsAt"`
		Fingerprint string            `json:"fingerprint"`
	} `json:"alerts"`
}

var (
	errVersion = errors.New("not version 4")
	errMany    = errors.New("too many alerts, or none")
)

// Decode reads a message of Alertmanager's webhook. Its texts are cut to lines that can be
// shown; times of the future are now. An error has no code.
func Decode(text []byte, now core.Moment) ([]Alert, error) {
	var m message
	if err := json.Unmarshal(text, &m); err != nil {
		return nil, err
	}
	if m.Version != "4" {
		return nil, errVersion
	}
	if len(m.Alerts) == 0 || len(m.Alerts) > MaxAlerts {
		return nil, errMany
	}
	all := make([]Alert, 0, len(m.Alerts))
	for _, in := range m.Alerts {
		a := Alert{
			ID: identity(in.Fingerprint), Name: clip(in.Labels["alertname"], 80), Severity: clip(in.Labels["severity"], 40),
			Service: clip(first(in.Labels, "service", "job", "instance"), 80), Target: clip(in.Labels[LabelTarget], 80),
			Summary: clip(first(in.Annotations, "summary", "description", "message"), maxText), Firing: in.Status == "firing",
			Since: moment(in.StartsAt, now),
		}
		if a.ID == "" {
			a.ID = name(in.Labels)
		}
		if !a.Firing {
			a.Until = moment(in.EndsAt, now)
		}
		all = append(all, a)
	}
	return all, nil
}

var plainID = regexp.MustCompile(`^[0-9A-Za-z._-]{1,51}$`)

// identity is a fingerprint as an ID: as it is, or its hash where it is too long or has
// other characters, for a cut one could be another's. Empty stays empty.
func identity(fingerprint string) string {
	if fingerprint == "" || plainID.MatchString(fingerprint) {
		return fingerprint
	}
	sum := sha256.Sum256([]byte(fingerprint))
	return hex.EncodeToString(sum[:16])
}

// name makes an ID of an alert's labels, which are what tells alerts apart.
func name(labels map[string]string) string {
	text, _ := json.Marshal(labels) //nolint:errchkjson // a map of texts
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:8])
}

func moment(t time.Time, now core.Moment) core.Moment {
	if t.Year() < 2000 || t.Year() > 2200 {
		return now
	}
	return min(core.At(t), now)
}

func first(from map[string]string, names ...string) string {
	for _, n := range names {
		if from[n] != "" {
			return from[n]
		}
	}
	return ""
}

// clip makes one line of printable characters, of at most so many bytes.
func clip(text string, most int) string {
	text = strings.Map(func(c rune) rune {
		switch {
		case unicode.IsSpace(c):
			return ' '
		case !unicode.IsPrint(c) || c == utf8.RuneError:
			return -1
		}
		return c
	}, text)
	text = strings.Join(strings.Fields(text), " ")
	if len(text) > most {
		text = strings.TrimSpace(strings.ToValidUTF8(text[:most], ""))
	}
	return text
}
