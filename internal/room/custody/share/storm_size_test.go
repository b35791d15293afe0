//go:build !long

package share

// storms is how many recoveries TestStorm tries; 100,000 with -tags long.
const storms = 3_000
