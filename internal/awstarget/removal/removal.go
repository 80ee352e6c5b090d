// Package removal takes a site's hosting out of the account again: it says what would go and what stays, stops what runs, empties
// the buckets, and has CloudFormation delete the stack.
package removal

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/bucket"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/domain"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/hosted"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/stack"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/teardown"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/fault"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/hosting"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/site"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/template"
)

// The types of resources that a deletion looks after by itself; CloudFormation deletes the others with the stack.
const (
	typeBucket   = "AWS::S3::Bucket"
	typePipeline = "AWS::CodePipeline::Pipeline"
)

// The buckets of the stack, by their names in the template.
const (
	hostingBucket  = "HostingBucket"
	artifactBucket = "ArtifactBucket"
	sourceBucket   = "SourceBucket"
)

// measured is up to how many objects of a bucket are counted before the deletion is confirmed: 50 requests.
const measured = 50_000

// Doomed tells what Delete would remove and leave. It changes nothing. A fault.NotDeployed means that there is nothing of the
// site in the account, a stack that may not be deleted is an error, too.
func Doomed(ctx context.Context, h *hosted.Hosting, opts hosting.DeleteOptions) (hosting.Doomed, error) {
	d := &deletion{Hosting: h, opts: opts}
	if err := d.find(ctx); err != nil {
		return hosting.Doomed{}, h.Explained(err)
	}
	doomed, err := d.doomed(ctx)
	return doomed, h.Explained(err)
}

// Delete removes the site's hosting from the account: whatever the stack holds, and the certificate and the records that were
// made for the site. It asks nothing. Each step finds out by itself what is done already, so that a deletion that was cut off,
// or that something stood in the way of, goes on when it is run again:
//
//	executions   stopped, so that nothing is written any more
//	records      before the distribution that they point at, so that nobody else can be found under the name
//	buckets      emptied of every object, version and marker
//	stack        by CloudFormation
//	certificate  as soon as the distribution has let it go
func Delete(ctx context.Context, h *hosted.Hosting, opts hosting.DeleteOptions, report hosting.Reporter) (hosting.Removed, error) {
	d := &deletion{Hosting: h, opts: opts, report: report}
	err := d.run(ctx)
	if err == nil {
		d.tell(ctx)
	}
	return d.done, h.Explained(err)
}

// deletion is one run of Delete, or of Doomed.
type deletion struct {
	*hosted.Hosting
	opts   hosting.DeleteOptions
	report hosting.Reporter

	stack     *stack.Stack
	state     stack.State
	resources []stack.Resource
	made      domain.Made
	// kept is what the source bucket holds, if it is to stay; zero if it goes.
	kept teardown.Content
	// deletedBefore says that the stack's deletion had been begun by an earlier run, and ended during this one.
	deletedBefore bool
	// unsure is why it is not known whether the deletion is allowed; empty if it is.
	unsure string
	// stuck are the resources that were left in the account, since they could not be deleted.
	stuck []string
	done  hosting.Removed
}

// find looks at what there is of the site. Nothing of it is a fault.NotDeployed.
func (d *deletion) find(ctx context.Context) error {
	if err := d.Open(ctx); err != nil {
		return err
	}
	d.stack = d.Hosting.Stack()
	var err error
	if d.state, err = d.stack.Describe(ctx); err != nil {
		return err
	}
	if err := d.stack.CheckProtection(d.state); err != nil {
		return err
	}
	if d.state.ID != "" {
		if d.resources, err = d.stack.Resources(ctx, d.state.ID); err != nil {
			return err
		}
	}
	if err := d.checkRetain(); err != nil {
		return err
	}
	if d.made, err = domain.Find(ctx, d.Hosting, d.state); err != nil {
		return err
	}
	if d.state.ID == "" && d.made.Empty() && !d.deletedBefore {
		return fault.New(fault.NotDeployed, "if it is deployed elsewhere, give --region or --profile",
			"site %s is not deployed in account %s, region %s", d.Project.Name(), d.Account.ID, d.Account.Region)
	}
	if err := d.findUploads(ctx); err != nil {
		return err
	}
	return d.checkAllowed(ctx)
}

// checkRetain refuses names that the stack does not have.
func (d *deletion) checkRetain() error {
	var known []string
	for _, r := range d.resources {
		known = append(known, r.Name)
	}
	for _, name := range d.opts.Retain {
		if d.state.ID != "" && !slices.Contains(known, name) {
			hint := "its resources are " + strings.Join(known, ", ")
			if near := fault.Nearest(name, known); near != "" {
				hint = "did you mean " + near + "?"
			}
			return fault.New(fault.Usage, hint, "stack %s has no resource %s to retain", d.stack.Name, name)
		}
	}
	return nil
}

// findUploads looks whether somebody's files are in the source bucket that the stack made.
func (d *deletion) findUploads(ctx context.Context) error {
	name := d.bucket(sourceBucket)
	if name == "" || d.opts.Uploads {
		return nil
	}
	var err error
	d.kept, err = d.content(name).Measure(ctx, measured)
	return err
}

// bucket is the name of a bucket of the stack in the account; "" if there is none.
func (d *deletion) bucket(resource string) string {
	for _, r := range d.resources {
		if r.Name == resource && r.Type == typeBucket {
			return r.ID
		}
	}
	return ""
}

func (d *deletion) content(name string) teardown.Bucket {
	return teardown.Bucket{Client: d.s3(), Name: name}
}

func (d *deletion) s3() *s3.Client { return bucket.Client(d.Account.Config) }

// emptied are the stack's buckets that are emptied, as pairs of resource and bucket.
func (d *deletion) emptied() (list [][2]string) {
	for _, resource := range []string{hostingBucket, artifactBucket, sourceBucket} {
		if name := d.bucket(resource); name != "" && !slices.Contains(d.retained(), resource) {
			list = append(list, [2]string{resource, name})
		}
	}
	return list
}

// retained are the resources that stay if they cannot be deleted; a bucket among them is not emptied.
func (d *deletion) retained() []string {
	if d.kept.Objects > 0 && !slices.Contains(d.opts.Retain, sourceBucket) {
		return append(slices.Clone(d.opts.Retain), sourceBucket)
	}
	return d.opts.Retain
}

func (d *deletion) run(ctx context.Context) error {
	d.report.Step("Check")
	d.report.Detail("looking at what there is of %s", d.Project.Name())
	if err := d.rest(ctx); err != nil {
		return d.cutOff(ctx, err)
	}
	if err := d.find(ctx); err != nil {
		return d.cutOff(ctx, err)
	}
	steps := []func(context.Context) error{d.stopExecutions, d.removeRecords, d.removeStack, d.removeCertificates}
	for _, step := range steps {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

// rest waits for an operation of the stack that is going on. It may be the deletion that an earlier run has begun.
func (d *deletion) rest(ctx context.Context) error {
	if err := d.Open(ctx); err != nil {
		return err
	}
	d.stack = d.Hosting.Stack()
	before, err := d.stack.Describe(ctx)
	if err != nil || !before.Busy() {
		return err
	}
	after, err := d.stack.Rest(ctx, d.report)
	if err == nil && after.ID == "" {
		d.deletedBefore = true
		d.done.Removed = append(d.done.Removed, "stack "+d.stack.Name)
	}
	return err
}

// stopExecutions ends what writes into the buckets.
func (d *deletion) stopExecutions(ctx context.Context) error {
	for _, r := range d.resources {
		if r.Type != typePipeline || r.ID == "" {
			continue
		}
		d.report.Step("Stop")
		p := d.PipelineOf(d.state)
		p.Name = r.ID
		n, err := p.StopAll(ctx, "the site is being deleted", func(words string) { d.report.Detail("%s", words) })
		if err != nil {
			return d.cutOff(ctx, err)
		}
		if n > 0 {
			d.done.Removed = append(d.done.Removed, fmt.Sprintf("%s that had not ended, of pipeline %s: stopped", hosting.Count(n, "execution"), p.Name))
		}
	}
	return nil
}

// removeRecords removes the records that were made for the site's names.
func (d *deletion) removeRecords(ctx context.Context) error {
	removed, err := d.made.RemoveRecords(ctx, d.report)
	d.done.Removed = append(d.done.Removed, removed...)
	return d.cutOff(ctx, err)
}

// removeCertificates removes the certificates that were asked for.
func (d *deletion) removeCertificates(ctx context.Context) error {
	removed, err := d.made.RemoveCertificates(ctx, d.report)
	d.done.Removed = append(d.done.Removed, removed...)
	return d.cutOff(ctx, err)
}

// cutOff says how to go on after an interrupt.
func (d *deletion) cutOff(ctx context.Context, err error) error {
	if err == nil || ctx.Err() == nil {
		return err
	}
	return fault.New(fault.Other, "run delete again: it goes on where it stopped", "stopped deleting %s: %w", d.Project.Name(), context.Cause(ctx))
}

// empty empties the stack's buckets.
func (d *deletion) empty(ctx context.Context) error {
	for _, b := range d.emptied() {
		d.report.Detail("looking at what is in bucket %s", b[1])
		content := d.content(b[1])
		all, err := content.Measure(ctx, measured)
		if err != nil {
			return d.cutOff(ctx, err)
		}
		removed, err := content.Empty(ctx, func(c teardown.Content) {
			d.report.Detail("emptying %s: %s of %s", b[1], words(c), words(all))
		})
		if removed.Objects+removed.Uploads > 0 {
			d.done.Removed = append(d.done.Removed, words(removed)+" of bucket "+b[1])
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// words is a bucket's content in words.
func words(c teardown.Content) string {
	text := hosting.Count(c.Objects, "object")
	if c.More {
		text = "more than " + text
	}
	if c.Bytes > 0 {
		text += " (" + hosting.Size(c.Bytes) + ")"
	}
	if c.Uploads > 0 {
		text += " and " + hosting.Count(c.Uploads, "unfinished upload")
	}
	return text
}

// tell lists what is left, once all is removed.
func (d *deletion) tell(ctx context.Context) {
	d.done.Left = append(d.done.Left, d.leaves(ctx)...)
}

// byHand is how a bucket goes that has versions: "aws s3 rb --force" leaves them, and then fails.
const byHand = "if it may go: Empty, then Delete, in the S3 console"

// leaves lists what a deletion does not touch, and why.
func (d *deletion) leaves(ctx context.Context) []string {
	left := []string{"the project with its configuration: " + filepath.Dir(d.Project.ConfigFile())}
	if d.Project.Repository != "" {
		left = append(left, "the repository: "+site.StripCredentials(d.Project.Repository))
	}
	if arn := d.state.Parameters[template.ParamConnectionArn]; arn != "" {
		left = append(left, "the connection to the Git host, which other sites may use: "+arn)
	}
	if name := d.state.Parameters[template.ParamSourceBucketName]; name != "" {
		left = append(left, "the bucket of the zip files, which was there before: "+name)
	}
	if name := d.bucket(sourceBucket); name != "" && d.kept.Objects > 0 {
		way := "delete --uploads removes them"
		if d.report != nil { // the site is gone by now, and with it the command's way to its bucket
			way = byHand
		}
		left = append(left, fmt.Sprintf("the bucket %s with %s that you uploaded (%s)", name, words(d.kept), way))
	}
	for _, r := range d.resources {
		if slices.Contains(d.opts.Retain, r.Name) && (d.report == nil || slices.Contains(d.stuck, r.Name)) {
			left = append(left, "what CloudFormation cannot delete, as you asked: "+r.Name+" ("+r.ID+")")
		}
	}
	left = append(left, d.made.Left...)
	return append(left, d.olderBuckets(ctx)...)
}

// olderBuckets are buckets of the site that the stack does not hold any more: a bucket that was replaced stays with its
// releases. Their names begin as CloudFormation makes them, with the names of stack and resource.
func (d *deletion) olderBuckets(ctx context.Context) (left []string) {
	for _, resource := range []string{hostingBucket, artifactBucket, sourceBucket} {
		// Who may not list buckets is not told.
		names, _ := teardown.Named(ctx, d.s3(), strings.ToLower(hosted.StackName(d.Project)+"-"+resource+"-"))
		for _, name := range names {
			way := "aws s3 rb --force s3://" + name
			if resource == sourceBucket {
				way = byHand
			}
			if name != d.bucket(resource) {
				left = append(left, "the bucket "+name+", left from an earlier stack or a replacement ("+way+")")
			}
		}
	}
	return left
}
