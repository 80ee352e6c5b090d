package awstarget_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/hosting"
)

// losing breaks the connection before the answer to the first request of each of the operations, which the SDK then sends again.
func (b *bed) losing(operations ...string) (lost func() []string) {
	var list []string
	b.account.Do(func() {
		b.account.Lost = func(service, operation string) bool {
			name := service + " " + operation
			if !slices.Contains(operations, name) || slices.Contains(list, name) {
				return false
			}
			list = append(list, name)
			return true
		}
	})
	return func() []string {
		var copied []string
		b.account.Do(func() { copied = slices.Clone(list) })
		return copied
	}
}

// An answer that is lost on its way, after AWS has done what it was asked to, is a request that is sent twice: what is made is
// made once, and nobody hears of it.
func TestLostAnswers(t *testing.T) {
	b := newBed(t, false)
	b.account.CompleteNew(1)
	b.opts.DNS = b.account.Resolver()
	b.account.Do(func() { b.account.Quick = true })
	exampleZone(b)
	b.names(beta)
	for _, story := range []struct {
		name string
		lost []string
		act  func(r *recorder) error
	}{
		{"a first deployment", []string{"cloudformation CreateChangeSet", "cloudformation ExecuteChangeSet", "acm RequestCertificate", "route53 ChangeResourceRecordSets"},
			func(r *recorder) error { _, err := b.deploy(r); return err }},
		{"a change", []string{"cloudformation CreateChangeSet", "cloudformation ExecuteChangeSet", "codepipeline StartPipelineExecution"},
			func(r *recorder) error { b.changeFunction(); _, err := b.deploy(r); return err }},
		{"a rollback that is continued", []string{"cloudformation ContinueUpdateRollback"}, func(r *recorder) error {
			b.account.SetStatus(b.site.Name(), "UPDATE_ROLLBACK_FAILED")
			_, err := b.deploy(r)
			return err
		}},
		{"a deletion that cannot go on", []string{"cloudformation DeleteStack"}, func(r *recorder) error {
			b.account.Do(func() { b.account.FailDelete["KeyValueStore"] = inUse })
			if _, _, err := b.remove(hosting.DeleteOptions{}, r); err == nil {
				return errors.New("it was deleted")
			}
			return nil
		}},
		{"one that leaves a resource", []string{"cloudformation DeleteStack"}, func(r *recorder) error {
			_, _, err := b.remove(hosting.DeleteOptions{Retain: []string{"KeyValueStore"}}, r)
			return err
		}},
	} {
		lost := b.losing(story.lost...)
		r := &recorder{}
		if err := story.act(r); err != nil {
			t.Fatalf("%s: %v\n%s", story.name, err, r)
		}
		if got := lost(); len(got) != len(story.lost) {
			t.Fatalf("%s: lost %v, want %v", story.name, got, story.lost)
		}
	}
	if n := b.account.Count("acm RequestCertificate"); n != 2 {
		t.Errorf("%d requests for a certificate", n)
	}
}
