package cli

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/term"
)

func newHelpCmd(s *session) *cobra.Command {
	return &cobra.Command{
		Use:   "help [COMMAND]",
		Short: "Print the help of a command",
		Args:  arguments(0, 1, "one command"),
		ValidArgsFunction: func(cmd *cobra.Command, args []string, _ string) (offered []string, _ cobra.ShellCompDirective) {
			for _, c := range cmd.Root().Commands() {
				if len(args) == 0 && c.IsAvailableCommand() {
					offered = append(offered, cobra.CompletionWithDesc(c.Name(), c.Short))
				}
			}
			return offered, cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			topic, _, err := cmd.Root().Find(args)
			if err != nil || len(args) == 1 && topic == cmd.Root() {
				return noSuchCommand(cmd.Root(), args)
			}
			topic.InitDefaultHelpFlag()
			writeHelp(s.Streams, topic)
			return nil
		},
	}
}

// writeHelp writes a command's help: what it does, how it is called, examples, and its flags.
func writeHelp(streams *term.Streams, cmd *cobra.Command) {
	style, width := streams.OutStyle(), streams.OutWidth()
	var b strings.Builder
	text := cmd.Long
	if text == "" {
		text = cmd.Short + "."
	}
	b.WriteString(paragraphs(text, width) + "\n")
	heading := func(title string) { b.WriteString("\n" + style.Bold(title) + "\n") }

	heading("Usage")
	if cmd.HasAvailableSubCommands() {
		b.WriteString("  " + cmd.CommandPath() + " COMMAND [flags]\n")
	} else {
		b.WriteString("  " + cmd.UseLine() + "\n")
	}
	commandHelp(&b, heading, cmd)
	if cmd.HasExample() {
		heading("Examples")
		b.WriteString(strings.TrimRight(cmd.Example, "\n") + "\n")
	}
	flagHelp(&b, heading, "Flags", cmd.LocalNonPersistentFlags(), width)
	if cmd.HasParent() {
		flagHelp(&b, heading, "Global flags", cmd.InheritedFlags(), width)
	} else {
		flagHelp(&b, heading, "Flags of every command", cmd.PersistentFlags(), width)
	}
	heading("Exit codes")
	for _, c := range exitCodes {
		b.WriteString("  " + c[0] + "  " + c[1] + "\n")
	}
	if !cmd.HasParent() {
		b.WriteString("\nMore about a command: " + name + " COMMAND --help\n")
	}
	fmt.Fprint(streams.Out, b.String())
}

// commandHelp lists the commands below a command: those of a group under its title, those of none under "Commands".
func commandHelp(b *strings.Builder, heading func(string), cmd *cobra.Command) {
	groups := cmd.Groups()
	if len(groups) == 0 && cmd.HasAvailableSubCommands() {
		groups = []*cobra.Group{{Title: "Commands"}}
	}
	for _, group := range groups {
		heading(group.Title)
		for _, c := range cmd.Commands() {
			if c.GroupID == group.ID {
				fmt.Fprintf(b, "  %-11s %s\n", c.Name(), c.Short)
			}
		}
	}
}

// helpWidth is how wide paragraphs are at most: longer lines are hard to read.
const helpWidth = 88

// paragraphs fills the lines of a text anew; paragraphs are separated by empty lines.
func paragraphs(text string, width int) string {
	if width <= 0 || width > helpWidth {
		width = helpWidth
	}
	parts := strings.Split(strings.TrimSpace(text), "\n\n")
	for i, p := range parts {
		parts[i] = term.Wrap(strings.ReplaceAll(p, "\n", " "), width)
	}
	return strings.Join(parts, "\n\n")
}

func flagHelp(b *strings.Builder, heading func(string), title string, flags *pflag.FlagSet, width int) {
	if !flags.HasAvailableFlags() {
		return
	}
	heading(title)
	b.WriteString(flags.FlagUsagesWrapped(width))
}
