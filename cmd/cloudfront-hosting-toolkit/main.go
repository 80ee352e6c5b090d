// Command cloudfront-hosting-toolkit gives a front-end project its own hosting, with atomic releases.
package main

import (
	"os"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/cli"
)

func main() { os.Exit(cli.Main()) }
