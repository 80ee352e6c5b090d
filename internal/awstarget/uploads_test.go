package awstarget_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/double/s3server"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/fault"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/golden"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/hosting"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/site"
)

// page is a zip file with an entry page.
func page(text string) map[string]string { return map[string]string{"index.html": text} }

// zipBed is a bed whose site is fed by zip files.
func zipBed(t *testing.T, config string) *bed {
	b := newBed(t, false)
	if err := os.Remove(filepath.Join(b.repo, site.Folder, site.BuildFile)); err != nil {
		t.Fatal(err)
	}
	b.configure(config)
	b.account.Do(func() { b.account.Quick = true })
	return b
}

// ended waits for the newest execution, which has to be newer than the one given, and returns it.
func (b *bed) ended(after string) hosting.Execution {
	b.t.Helper()
	h := b.hosting()
	for {
		if err := h.Logs(b.t.Context(), "", true, &strings.Builder{}); err != nil {
			b.t.Fatal(err)
		}
		e, err := h.Execution(b.t.Context(), "")
		if err != nil {
			b.t.Fatal(err)
		}
		if e.ID != after && e.Status.Done() {
			return e
		}
	}
}

// The whole story of a bucket that the stack makes: a deployment without a zip file is one, an upload starts the pipeline with
// its own key and version, a second one flips, a rollback goes back, and what is not a zip file or not in the folder does
// nothing (defect 19).
func TestZipStory(t *testing.T) {
	b := zipBed(t, `{"siteName": "hello-12345678", "s3path": "in", "routing": "static"}`)
	r := &recorder{}
	d, err := b.deploy(r)
	if err != nil || d.Execution.ID != "" || d.Release != "" || len(r.warnings) > 0 || d.Upload != "s3://hello-12345678-sourcebucket-x/in/" {
		t.Fatalf("%+v, %v\n%s", d, err, r)
	}
	bucket := strings.Split(d.Upload, "/")[2]
	own := b.ended("") // the pipeline has begun by itself, in vain: that is no failure
	if s := own.FailedStage(); own.Status != hosting.Stopped || s == nil || s.Error != "there was no zip file yet" || !strings.Contains(s.Hint, d.Upload) {
		t.Errorf("the first execution: %+v", own)
	}

	version := b.account.Upload(bucket, "in/v1.zip", map[string]string{"index.html": "one", "files/a.zip": "the site's own"})
	first := b.ended(own.ID)
	if first.Status != hosting.Succeeded || first.Revision != version || first.Message != "in/v1.zip" || first.Trigger != "upload" || first.Release != "zip-"+version {
		t.Errorf("first upload: %+v", first)
	}
	if _, body := b.get(d.URL); body != "one" {
		t.Errorf("the site answers %q", body)
	}
	if _, body := b.get(d.URL + "files/a.zip"); body != "the site's own" {
		t.Errorf("the site's own zip file is %q", body)
	}
	for _, key := range []string{"v2.zip", "other/v2.zip", "in/readme.txt", "in/v2.zip.part", "in"} {
		b.account.Upload(bucket, key, page("two"))
	}
	second := b.account.Upload(bucket, "in/v2.zip", map[string]string{"my site/index.html": "two", "my site/.DS_Store": "x"})
	two := b.ended(first.ID)
	if _, body := b.get(d.URL); body != "two" || two.Release != "zip-"+second {
		t.Errorf("after the second upload: %q %+v", body, two)
	}
	if n := len(executionsOf(t, b)); n != 3 {
		t.Errorf("%d executions, want 3: the pipeline's own, and one for each zip file", n)
	}
	p, err := b.hosting().Publisher(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Rollback(t.Context(), ""); err != nil {
		t.Fatal(err)
	}
	if _, body := b.get(d.URL); body != "one" {
		t.Errorf("after the rollback: %q", body)
	}
	// A deployment releases the newest zip file, whatever it is called.
	d, err = b.deploy(&recorder{})
	if _, body := b.get(d.URL); err != nil || body != "two" || d.Execution.Revision != second || d.Execution.Trigger != "deploy" {
		t.Errorf("deployed again: %q %+v %v", body, d.Execution, err)
	}
	b.sameKeyTwice(bucket, d)
	// A bad zip file leaves the site as it is.
	last := b.newest()
	b.account.Upload(bucket, "in/v5.zip", map[string]string{"about.html": "five"})
	if e := b.ended(last); e.Status != hosting.Failed || e.FailedStage().Name != hosting.StageRelease {
		t.Errorf("a zip file without an entry page: %+v", e)
	}
	if _, body := b.get(d.URL); body != "four" {
		t.Errorf("after a bad zip file: %q", body)
	}
}

// sameKeyTwice uploads another file under a key that was there: defect 5, a second upload during a run pointed the site at a
// folder that was not built, and defect 6, an upload under the same name overwrote a release. Each run has its own version, and each
// version its own release.
func (b *bed) sameKeyTwice(bucket string, d hosting.Deployed) {
	t := b.t
	t.Helper()
	before := b.newest()
	three := b.account.Upload(bucket, "in/site.zip", page("three"))
	four := b.account.Upload(bucket, "in/site.zip", page("four"))
	for e := b.ended(before); e.Revision != four; e = b.ended(before) {
		if e.Revision != three && e.Status == hosting.Succeeded {
			t.Fatalf("an execution for %+v", e)
		}
	}
	if _, body := b.get(d.URL); body != "four" {
		t.Errorf("after two uploads at once: %q", body)
	}
	p, err := b.hosting().Publisher(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	releases, err := p.Releases(t.Context())
	if err != nil || releases[0].ID != "zip-"+four {
		t.Errorf("releases %+v, %v", releases, err)
	}
}

// newest is the id of the newest execution.
func (b *bed) newest() string {
	b.t.Helper()
	e, err := b.hosting().Execution(b.t.Context(), "")
	if err != nil {
		b.t.Fatal(err)
	}
	return e.ID
}

func executionsOf(t *testing.T, b *bed) map[string]bool {
	t.Helper()
	ids := map[string]bool{}
	b.account.Do(func() {
		for _, id := range b.account.Executions() {
			ids[id] = true
		}
	})
	return ids
}

// deploy waits for the first zip file if somebody is there to upload it.
func TestDeployAwaitsAZipFile(t *testing.T) {
	b := zipBed(t, `{"siteName": "hello-12345678", "routing": "static"}`)
	uploaded := false
	r := &recorder{}
	r.told = func(detail string) {
		if strings.HasPrefix(detail, "waiting for a zip file") && !uploaded {
			uploaded = true
			b.account.Upload("hello-12345678-sourcebucket-x", "first.zip", page("one"))
		}
	}
	d, err := b.hosting().Deploy(t.Context(), hosting.DeployOptions{AwaitUpload: true}, r)
	if err != nil || d.Execution.Status != hosting.Succeeded || d.Execution.Message != "first.zip" || d.Release != d.Execution.Release {
		t.Fatalf("%+v, %v\n%s", d, err, r)
	}
	if _, body := b.get(d.URL); body != "one" || !strings.Contains(r.String(), "aws s3 cp site.zip 's3://hello-12345678-sourcebucket-x/site.zip'") {
		t.Errorf("%q\n%s", body, r)
	}
}

// An existing bucket is looked at before anything is made. What it lacks is switched on, if the person who deploys wants that,
// and what it notifies already stays; its newest zip file is the first release.
func TestExistingBucket(t *testing.T) {
	t.Parallel()
	const queue = `<QueueConfiguration><Id>mine</Id><Queue>arn:aws:sqs:eu-west-1:123456789012:q</Queue><Event>s3:ObjectCreated:*</Event></QueueConfiguration>`
	const on = "<EventBridgeConfiguration/>"
	tests := map[string]struct {
		prepare func(m *s3server.Memory)
		yes     bool
		says    []string
	}{
		"ready":             {func(m *s3server.Memory) { m.Configure("drop", true, notifications(on)) }, false, nil},
		"switched on":       {func(m *s3server.Memory) { m.Configure("drop", false, notifications(queue)) }, true, nil},
		"declined":          {func(m *s3server.Memory) {}, false, []string{"not versioned", "EventBridge", "put-bucket-versioning --region eu-west-1 --bucket drop", "'{\"EventBridgeConfiguration\":{}}'"}},
		"keeps what it has": {func(m *s3server.Memory) { m.Configure("drop", true, notifications(queue)) }, false, []string{`"QueueArn":"arn:aws:sqs:eu-west-1:123456789012:q"`, `"EventBridgeConfiguration":{}`}},
		"another region":    {func(m *s3server.Memory) { m.Move("drop", s3server.Elsewhere{Region: "us-east-1"}) }, true, []string{"in region us-east-1", "--region us-east-1"}},
		"another account":   {func(m *s3server.Memory) { m.Move("drop", s3server.Elsewhere{Account: "999999999999"}) }, true, []string{"of another account"}},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			b := zipBed(t, `{"s3bucket": "drop", "s3path": "sites/a", "routing": "static"}`)
			b.account.S3.Add("drop")
			tc.prepare(b.account.S3)
			b.account.Upload("drop", "sites/a/old.zip", page("old"))
			b.account.Upload("drop", "sites/b/other.zip", page("other"))
			r := &recorder{yes: tc.yes}
			d, err := b.deploy(r)
			golden.Check(t, "zip-bucket-"+strings.ReplaceAll(name, " ", "-")+".txt", b.told(r, d, err))
			if tc.says != nil {
				for _, part := range tc.says {
					if err == nil || !strings.Contains(err.Error()+fault.HintOf(err), part) {
						t.Errorf("%v\n%s\nwant %s", err, fault.HintOf(err), part)
					}
				}
				if b.account.Count("cloudformation CreateChangeSet") > 0 || b.account.S3.Versioned("drop") && name == "declined" {
					t.Error("something was made or changed nevertheless")
				}
				return
			}
			if tc.yes != (len(r.asked) == 1) {
				t.Errorf("asked %q", r.asked)
			}
			if tc.yes {
				if told := b.account.S3.Notifications("drop"); !strings.Contains(told, "arn:aws:sqs:eu-west-1:123456789012:q") || !strings.Contains(told, "EventBridgeConfiguration") {
					t.Errorf("notifications are now %s", told)
				}
			}
			if err != nil || d.Execution.Message != "sites/a/old.zip" {
				t.Fatalf("%+v, %v\n%s", d.Execution, err, r)
			}
			b.account.Upload("drop", "sites/ab.zip", page("ab"))
			b.account.Upload("drop", "sites/a/new.zip", page("new"))
			b.ended(d.Execution.ID)
			if _, body := b.get(d.URL); body != "new" {
				t.Errorf("the site answers %q", body)
			}
		})
	}
	t.Run("no such bucket", func(t *testing.T) {
		b := zipBed(t, `{"s3bucket": "nowhere"}`)
		r := &recorder{}
		d, err := b.deploy(r)
		if fault.KindOf(err) != fault.Usage || !strings.Contains(err.Error(), "there is no bucket nowhere") {
			t.Errorf("%v", err)
		}
		golden.Check(t, "zip-bucket-missing.txt", b.told(r, d, err))
	})
	t.Run("without a terminal", func(t *testing.T) {
		b := zipBed(t, `{"s3bucket": "drop"}`)
		b.account.S3.Add("drop")
		if _, err := b.deploy(&recorder{refuse: errors.New("no terminal")}); fault.KindOf(err) != fault.Usage || !strings.Contains(fault.HintOf(err), "put-bucket-versioning") {
			t.Errorf("%v", err)
		}
	})
}

func notifications(inner string) string {
	return "<NotificationConfiguration>" + inner + "</NotificationConfiguration>"
}

// A folder that the rule could not name is refused, not half of it watched.
func TestPrefixThatCannotBeWatched(t *testing.T) {
	b := zipBed(t, `{"s3bucket": "drop", "s3path": "in*"}`)
	r := &recorder{}
	d, err := b.deploy(r)
	golden.Check(t, "zip-prefix.txt", b.told(r, d, err))
	for _, prefix := range []string{"a*b", "größe", `a\\b`, "a+b", "a<key>"} {
		b.configure(`{"s3bucket": "drop", "s3path": "` + prefix + `"}`)
		if _, err := b.deploy(&recorder{}); fault.KindOf(err) != fault.Usage || !strings.Contains(err.Error(), "cannot name") {
			t.Errorf("%s: %v", prefix, err)
		}
	}
}
