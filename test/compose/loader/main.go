// Loads Compose files as `docker compose` does, with the library that it is made of, and prints the whole project as JSON.
// Usage: loader FOLDER FILE…
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/compose-spec/compose-go/v2/cli"
)

func main() {
	if err := run(os.Args[1], os.Args[2:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(folder string, files []string) error {
	options, err := cli.NewProjectOptions(files, cli.WithWorkingDirectory(folder), cli.WithOsEnv, cli.WithDefaultProfiles("*"))
	if err != nil {
		return err
	}
	project, err := options.LoadProject(context.Background())
	if err != nil {
		return err
	}
	json, err := project.MarshalJSON()
	if err != nil {
		return err
	}
	fmt.Println(string(json))
	return nil
}
