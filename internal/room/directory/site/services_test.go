package site

import (
	"testing"

	"entrechat/internal/kit/words"
	"entrechat/internal/room/directory/access"
)

// TestOpenOrFull: what a visitor reads first is what somebody said, and never more.
func TestOpenOrFull(t *testing.T) {
	catalogue, err := words.New()
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		access access.Access
		want   string // class
	}{
		"anybody":                  {access.Access{Register: access.RegisterAnyone, Load: access.LoadOpen}, "fine"},
		"no account":               {access.Access{Without: access.WithoutAll}, "fine"},
		"full":                     {access.Access{Register: access.RegisterAnyone, Load: access.LoadFull}, "warn"},
		"full, without an account": {access.Access{Without: access.WithoutSome, Load: access.LoadFull}, "fine"},
		"members":                  {access.Access{Register: access.RegisterMembers, Load: access.LoadOpen}, "none"},
		"nobody said":              {access.Access{}, ""},
	} {
		if _, got := loadSays(catalogue.Printer(words.English), c.access); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}
