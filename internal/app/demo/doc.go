// Package demo tells the main job as one story on one machine: seven hosters,
// each a process of this very binary with its own disk, hold each other's
// backups; two of them fail, the owner loses everything, and it all comes back
// byte for byte. Nothing here is simulated but the disasters.
package demo
