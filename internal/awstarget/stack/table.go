package stack

import (
	"fmt"
	"strings"
	"text/tabwriter"
)

// Table is the plan as a person reads it: one line a resource, what is replaced or removed in capitals and at the end.
func (p *Plan) Table() string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	for _, c := range p.Changes {
		fmt.Fprintf(w, "%s\t%s\t%s", c.Kind, c.Resource, c.Type)
		if len(c.Causes) > 0 && c.Kind != Add {
			fmt.Fprintf(w, "\t%s", strings.Join(c.Causes, ", "))
		}
		fmt.Fprintln(w)
	}
	_ = w.Flush() // into memory
	lines := strings.Split(strings.TrimRight(b.String(), "\n"), "\n")
	for i := range lines {
		lines[i] = strings.TrimRight(lines[i], " ")
	}
	return strings.Join(lines, "\n") + "\n"
}

// Summary counts the changes in words: "17 to add, 1 to change".
func (p *Plan) Summary() string {
	counts := map[Kind]int{}
	for _, c := range p.Changes {
		counts[c.Kind]++
	}
	var parts []string
	for _, k := range []struct {
		kind  Kind
		words string
	}{{Add, "to add"}, {Modify, "to change"}, {MayReplace, "that may be REPLACED"}, {Replace, "to REPLACE"}, {Remove, "to REMOVE"}} {
		if n := counts[k.kind]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, k.words))
		}
	}
	if len(parts) == 0 {
		return "nothing to change"
	}
	return strings.Join(parts, ", ")
}
