package cli

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/publish"
)

// completionTime bounds how long a Tab may take.
const completionTime = 2 * time.Second

func newCompletionCmd(s *session) *cobra.Command {
	shells := []string{"bash", "zsh", "fish", "powershell"}
	return &cobra.Command{
		Use:   "completion bash|zsh|fish|powershell",
		Short: "Print the completions of a shell",
		Long:  "Prints a script with which a shell completes commands, flags, release ids and execution ids.",
		Example: `  source <(` + name + ` completion bash)
  ` + name + ` completion zsh > "${fpath[1]}/_` + name + `"
  ` + name + ` completion fish | source`,
		ValidArgs: shells,
		Args:      arguments(1, 1, "one shell: bash, zsh, fish or powershell"),
		RunE: func(cmd *cobra.Command, args []string) error {
			root := cmd.Root()
			var err error
			switch args[0] {
			case "bash":
				err = root.GenBashCompletionV2(s.Out, true)
			case "zsh":
				err = root.GenZshCompletion(s.Out)
			case "fish":
				err = root.GenFishCompletion(s.Out, true)
			case "powershell":
				err = root.GenPowerShellCompletionWithDesc(s.Out)
			default:
				return usage("the shells are bash, zsh, fish and powershell", "unknown shell %q", args[0])
			}
			if err != nil {
				return fmt.Errorf("write completions: %w", err)
			}
			return nil
		},
	}
}

// completeFlags adds the values that global flags can take.
func (s *session) completeFlags(root *cobra.Command) {
	folders := func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return nil, cobra.ShellCompDirectiveFilterDirs
	}
	// The only error is that of a flag that does not exist or has a completion already.
	_ = root.RegisterFlagCompletionFunc("dir", folders)
	_ = root.RegisterFlagCompletionFunc("state-dir", folders)
	_ = root.RegisterFlagCompletionFunc("target", s.targets().complete)
}

// noFiles keeps the shell from offering files where an argument is none.
func noFiles(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	return nil, cobra.ShellCompDirectiveNoFileComp
}

// completeReleases offers the releases that can be rolled back to.
func (s *session) completeReleases(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	ctx, cancel := context.WithTimeout(cmd.Context(), completionTime)
	defer cancel()
	var offered []string
	for _, r := range s.completionReleases(ctx) {
		if !r.Current && r.Problem == "" {
			offered = append(offered, cobra.CompletionWithDesc(r.ID, r.Message))
		}
	}
	return offered, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveKeepOrder
}

// completionReleases returns the releases, or none where anything is wrong: a completion has no way to tell.
func (s *session) completionReleases(ctx context.Context) []publish.Release {
	t, _, err := s.hosting()
	if err != nil {
		return nil
	}
	p, err := existing(ctx, t)
	if err != nil {
		return nil
	}
	releases, err := p.Releases(ctx)
	if err != nil {
		return nil
	}
	return releases
}
