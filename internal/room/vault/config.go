package vault

import "entrechat/internal/core"

// Config is the [vault] section as far as the owner's side needs it. Zero values
// are the defaults.
type Config struct {
	// Floor is what stays free on the disk: new files are refused below it.
	Floor core.Size
	Spool core.Size // at most this waits for the members; 0 = 10 GB
	Cache core.Size // at most this is kept of what was read back; 0 = 1 GB
	Tools string    // host:port of the restic front, for `vault env`
}

func (c Config) filled() Config {
	if c.Spool == 0 {
		c.Spool = 10 * core.GB
	}
	if c.Cache == 0 {
		c.Cache = core.GB
	}
	return c
}
