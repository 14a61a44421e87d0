// Copyright 2026 The caddy-wstunnel Authors
// SPDX-License-Identifier: Apache-2.0

package wstunnel

import (
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/caddy-wstunnel/caddy-wstunnel/apache"
)

// importCommand prints a Caddyfile for a configuration of another server.
func importCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "import apache <file>",
		Short: "Writes the configuration of httpd as a Caddyfile",
		Long: `
Prints a Caddyfile that does what a configuration file of Apache httpd does, for
those who want to leave that for good. Each block says which lines it is from.
What could not be said in a Caddyfile is a comment that begins with NOT, and is
listed on standard error, as is what httpd reads otherwise than it looks. To run the file as it stands instead, use
caddy run --adapter apache --config <file>.`,
		Example: "caddy ws-tunnel import apache /etc/apache2/sites-enabled/chat.conf >Caddyfile",
		Args:    cobra.ExactArgs(2),
	}
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if args[0] != "apache" {
			return fmt.Errorf("configurations of %q cannot be read; those of apache can", args[0])
		}
		body, err := readFileOrInput(args[1], cmd.InOrStdin())
		if err != nil {
			return err
		}
		text, left, warnings, err := apache.Caddyfile(args[1], body)
		if err != nil {
			return err
		}
		if _, err := cmd.OutOrStdout().Write(text); err != nil {
			return err
		}
		for _, line := range warnings {
			fmt.Fprintln(cmd.ErrOrStderr(), "warning:", printable(line))
		}
		for _, line := range left {
			fmt.Fprintln(cmd.ErrOrStderr(), "not said:", printable(line))
		}
		return nil
	}
	return cmd
}

// readFileOrInput reads a file, or standard input for -.
func readFileOrInput(name string, input io.Reader) ([]byte, error) {
	if name == "-" {
		return io.ReadAll(input)
	}
	return os.ReadFile(name)
}
