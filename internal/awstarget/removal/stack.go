package removal

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/hosted"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/reason"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/stack"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/fault"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/hosting"
)

// deletions is how often the stack's deletion is begun in one run: a build that ended late may have written into a bucket.
const deletions = 3

// removeStack empties the buckets and deletes the stack. What CloudFormation could not delete is seen to, where that can be
// done: a bucket that was written to meanwhile is emptied again, and what is to stay is left in the account. CloudFormation
// takes the names of such resources only once it has failed to delete them.
func (d *deletion) removeStack(ctx context.Context) error {
	if d.state.ID == "" {
		return nil
	}
	retain := d.stuckBefore()
	for try := 1; ; try++ {
		d.report.Step("Empty")
		if err := d.empty(ctx); err != nil {
			return err
		}
		d.report.Step("Stack")
		d.report.Detail("CloudFormation is deleting %s; switching the distribution off takes some minutes", d.stack.Name)
		err := d.stack.Delete(ctx, retain, d.report)
		stuck := stack.IsStuck(err)
		if stuck == nil {
			if err == nil {
				d.stuck = retain
				d.done.Removed = append(d.done.Removed, d.stackWords(len(retain)))
			}
			return err
		}
		if !d.canGoOn(stuck) || try == deletions {
			return d.explainStuck(stuck)
		}
		retain = d.toRetain(stuck.Failed)
	}
}

// stackWords is the stack in words, without the resources that stay.
func (d *deletion) stackWords(retained int) string {
	if n := len(d.resources) - retained; n > 0 {
		return fmt.Sprintf("stack %s with its %s", d.stack.Name, hosting.Count(n, "resource"))
	}
	return "stack " + d.stack.Name
}

// stuckBefore are the resources to be left at once, of a stack that an earlier deletion got stuck with.
func (d *deletion) stuckBefore() []string {
	if d.state.Status != types.StackStatusDeleteFailed {
		return nil
	}
	return d.toRetain(d.resources)
}

// toRetain are those of the resources that failed to be deleted and are to stay then.
func (d *deletion) toRetain(resources []stack.Resource) (names []string) {
	for _, r := range resources {
		if r.Status == types.ResourceStatusDeleteFailed && slices.Contains(d.retained(), r.Name) {
			names = append(names, r.Name)
		}
	}
	return names
}

// notEmpty is CloudFormation's reason for a bucket that holds something.
var notEmpty = regexp.MustCompile(`(?i)not empty|BucketNotEmpty`)

// canGoOn reports whether everything that failed can be emptied again, or is to stay.
func (d *deletion) canGoOn(stuck *stack.Stuck) bool {
	for _, r := range stuck.Failed {
		emptied := r.Type == typeBucket && notEmpty.MatchString(r.Why)
		if !emptied && !slices.Contains(d.retained(), r.Name) {
			return false
		}
	}
	return true
}

// obstacles are the reasons for which resources are not deleted, and what to do about each.
var obstacles = []struct {
	why      *regexp.Regexp
	sentence string
	hint     string
}{
	{notEmpty, "something keeps writing to it", "stop whatever publishes or uploads to it"},
	{regexp.MustCompile(`(?i)not ?disabled|InvalidIfMatchVersion|PreconditionFailed`), "CloudFront was changing it", "wait a few minutes"},
	{regexp.MustCompile(`(?i)in ?use|still associated|being used`), "something else in the account uses it", "remove it from there"},
	{regexp.MustCompile(`(?i)DeleteConflict|must (detach|delete|remove)|attached`), "somebody attached something to it", "detach that in the IAM console"},
	{regexp.MustCompile(`(?i)lock|retention|legal hold`), "objects in it are locked", "end their retention or legal hold"},
}

// explainStuck says of each resource why it is still there, and what to do.
func (d *deletion) explainStuck(stuck *stack.Stuck) error {
	var text, hints, names []string
	for _, r := range stuck.Failed {
		if r.Type == "" {
			return d.explainStack(r.Why)
		}
		sentence, hint := obstacle(r.Why)
		text = append(text, fmt.Sprintf("%s (%s): %s%s", r.Name, r.ID, sentence, r.Why))
		if hint != "" {
			hints = append(hints, r.Name+": "+hint)
		}
		names = append(names, r.Name)
	}
	hints = append(hints,
		"then run delete again: it goes on with what is left",
		"or leave it in the account for good: delete --retain "+strings.Join(names, ","),
		"every event: "+d.stack.Console(d.state.ID))
	return fault.New(fault.Other, strings.Join(hints, "\n"), "stack %s is not deleted yet, because of %s\n%s",
		d.stack.Name, hosting.Count(len(stuck.Failed), "resource"), strings.Join(text, "\n"))
}

// explainStack is the error of a deletion that failed for a reason of the stack's own, like a role of it that is gone.
func (d *deletion) explainStack(why string) error {
	sentence, hint := obstacle(why)
	if hint == "" {
		hint = "mend that"
	}
	return fault.New(fault.Other, hint+"\nthen run delete again: it goes on with what is left\nevery event: "+d.stack.Console(d.state.ID),
		"stack %s is not deleted yet: %s%s", d.stack.Name, sentence, why)
}

// obstacle returns what a reason means, with a colon at its end, and the way out; both empty if it is not known.
func obstacle(why string) (sentence, hint string) {
	if sentence, hint := reason.Explain("", why); hint != "" {
		return sentence + ": ", hint
	}
	for _, o := range obstacles {
		if o.why.MatchString(why) {
			return o.sentence + ": ", o.hint
		}
	}
	return "", ""
}

// doomed is what is told before the deletion is confirmed.
func (d *deletion) doomed(ctx context.Context) (hosting.Doomed, error) {
	doomed := hosting.Doomed{Leaves: d.leaves(ctx)}
	if hosted.HoldsSite(d.state) {
		// What is damaged and cannot be read can be deleted all the same.
		if releases, err := d.PublisherOf(d.state).Releases(ctx); err == nil {
			doomed.Releases, doomed.URL = len(releases), hosted.URL(d.state)
		}
	}
	if d.state.ID != "" {
		where := fmt.Sprintf("in account %s, region %s", d.Account.ID, d.Account.Region)
		if !d.state.Exists() || d.state.Busy() || strings.Contains(string(d.state.Status), "FAILED") || d.state.Status == types.StackStatusRollbackComplete {
			where += ", which is " + string(d.state.Status)
		}
		doomed.Removes = append(doomed.Removes, d.stackWords(0)+" "+where)
	}
	for _, b := range d.emptied() {
		content, err := d.content(b[1]).Measure(ctx, measured)
		if err != nil {
			return doomed, err
		}
		doomed.Removes = append(doomed.Removes, words(content)+" in bucket "+b[1])
	}
	for _, r := range d.resources {
		if r.Type == typePipeline {
			doomed.Removes = append(doomed.Removes, "whatever runs of pipeline "+r.ID+" is stopped")
		}
	}
	doomed.Removes = append(doomed.Removes, d.made.Words()...)
	if d.unsure != "" {
		doomed.Notes = append(doomed.Notes, "whether you may delete all of it is not known beforehand: "+d.unsure,
			"if AWS refuses a part of it, the buckets have been emptied by then")
	}
	return doomed, nil
}
