package identity

import (
	"context"

	"entrechat/internal/kit/obs"
	"entrechat/internal/room/identity/key"
	"entrechat/internal/room/identity/person"
)

// maxHomes is how many homes have a line of their own in /metrics; the rest share one.
const maxHomes = 100

// numbers collects the lines of /metrics. No label holds anything of a person.
type numbers struct{ all []obs.Metric }

// add appends one line; labels are pairs of name and value.
func (n *numbers) add(name, help string, value float64, labels ...string) {
	m := obs.Metric{Name: "entrechat_identity_" + name, Help: help, Value: value}
	for i := 0; i+1 < len(labels); i += 2 {
		if m.Labels == nil {
			m.Labels = map[string]string{}
		}
		m.Labels[labels[i]] = labels[i+1]
	}
	n.all = append(n.all, m)
}

// metrics are the room's numbers.
func (r *Room) metrics(ctx context.Context) ([]obs.Metric, error) {
	var n numbers
	r.countedHere(&n)
	for _, ask := range []func(context.Context, *numbers) error{r.countPeople, r.countVisitors, r.countLogouts} {
		if err := ask(ctx, &n); err != nil {
			return n.all, err
		}
	}
	return n.all, r.countKeys(&n)
}

// countedHere is what this process counts in memory, since it began.
func (r *Room) countedHere(n *numbers) {
	for _, c := range r.Sessions.Tries() {
		n.add("sign_ins_total", "Tries to sign in, by way and how they ended.", float64(c.Count), "way", string(c.Way), "outcome", string(c.Outcome))
	}
	crowd, account := r.Throttle.Refused()
	const throttled = "Tries that were told to come back later: too many from a network or from everywhere, or at one account."
	n.add("throttled_total", throttled, float64(crowd), "bound", "crowd")
	n.add("throttled_total", throttled, float64(account), "bound", "account")
	given := r.Provider.Counts()
	const tokens = "What services were handed."
	n.add("tokens_total", tokens, float64(given.Codes), "kind", "code")
	n.add("tokens_total", tokens, float64(given.Access), "kind", "access")
	n.add("tokens_total", tokens, float64(given.Refresh), "kind", "refresh")
	const told = "Sign-outs that services were to be told: taken, not taken at a try, given up after a day."
	n.add("logouts_total", told, float64(given.Told), "outcome", "taken")
	n.add("logouts_total", told, float64(given.Put), "outcome", "not_taken")
	n.add("logouts_total", told, float64(given.Dropped), "outcome", "given_up")
	queue := r.Credentials.Queue()
	n.add("hashes_running", "Passwords that are hashed or compared now.", float64(queue.Running))
	n.add("hashes_waiting", "Passwords that wait for their turn.", float64(queue.Waiting))
	n.add("hashes_refused_total", "Passwords that did not get their turn.", float64(queue.Refused))
}

func (r *Room) countPeople(ctx context.Context, n *numbers) error {
	counts, err := r.Persons.Count(ctx)
	if err != nil {
		return err
	}
	for _, kind := range []person.Kind{person.Local, person.Visitor} {
		for _, status := range []person.Status{person.Active, person.Waiting, person.Suspended, person.Closed} {
			n.add("people", "People with an account here, or who came from elsewhere.", float64(counts[kind][status]), "kind", string(kind), "status", string(status))
		}
	}
	return nil
}

func (r *Room) countVisitors(ctx context.Context, n *numbers) error {
	crowds, err := r.Homes.Crowds(ctx)
	rest := 0
	const help = "Visitors by the member where they are at home; rest = all but the 100 largest."
	for i, c := range crowds {
		if i >= maxHomes {
			rest += c.Count
			continue
		}
		n.add("visitors", help, float64(c.Count), "home", string(c.Home))
	}
	if len(crowds) > maxHomes {
		n.add("visitors", help, float64(rest), "home", "rest")
	}
	return err
}

func (r *Room) countLogouts(ctx context.Context, n *numbers) error {
	waiting, err := r.Provider.Waiting(ctx)
	count, since := int64(0), 0.0
	for i, w := range waiting {
		if count += w.Count; i == 0 {
			since = float64(w.Since) / 1e6
		}
	}
	n.add("logouts_waiting", "Sign-outs that a service was not told yet.", float64(count))
	n.add("logouts_waiting_since_time_seconds", "Since when the oldest waits (Unix time), 0 = none does.", since)
	return err
}

func (r *Room) countKeys(n *numbers) error {
	list, err := r.Keys.List()
	from := map[string]float64{}
	for _, k := range list {
		if k.Signs {
			from[k.Alg] = float64(k.From) / 1e6
		}
	}
	for _, alg := range []string{key.ES256, key.RS256} {
		n.add("key_from_time_seconds", "Since when the key that signs does so (Unix time), 0 = none signs.", from[alg], "alg", alg)
	}
	return err
}
