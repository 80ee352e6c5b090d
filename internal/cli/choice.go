package cli

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
)

// choice is a flag that takes one of a few words; empty means that it was not given.
type choice[T ~string] struct {
	value   *T
	options []T
}

func (c choice[T]) String() string {
	if c.value == nil {
		return ""
	}
	return string(*c.value)
}

// Type is what stands for the value in the help.
func (c choice[T]) Type() string { return c.join("|") }

// Set accepts one of the options.
func (c choice[T]) Set(value string) error {
	if !slices.Contains(c.options, T(value)) {
		return fmt.Errorf("it is one of %s", c.join(", "))
	}
	*c.value = T(value)
	return nil
}

func (c choice[T]) join(separator string) string {
	words := make([]string, len(c.options))
	for i, o := range c.options {
		words[i] = string(o)
	}
	return strings.Join(words, separator)
}

// complete offers the options.
func (c choice[T]) complete(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	return strings.Split(c.join(" "), " "), cobra.ShellCompDirectiveNoFileComp
}
