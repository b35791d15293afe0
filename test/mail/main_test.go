package mail

import (
	"os"
	"testing"

	"entrechat/internal/app"
)

// asProgram makes this test binary the entrechat program.
const asProgram = "ENTRECHAT_TEST_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		os.Exit(app.Main(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
	}
	if err := os.Setenv(asProgram, "1"); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}
