// Package pool is the room that members lend us: who lends, how much is left, who fails or is
// slow (Pool), what goes where (Plan), and whether there is room for a file (Forecast,
// Admission).
//
// Words. A candidate is a lender that may be sent something now, with its room; a failure
// domain is what fails together (a member, those at one site); the forecast places in mind
// everything that waits.
package pool
