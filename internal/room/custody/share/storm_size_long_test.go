//go:build long

package share

// storms is how many recoveries TestStorm tries.
const storms = 100_000
