// Command entrechat is one hoster's node and its tools.
package main

import (
	"os"

	"entrechat/internal/app"
)

func main() { os.Exit(app.Main(os.Args[1:], os.Stdin, os.Stdout, os.Stderr)) }
