package awstarget

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/executions"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/stack"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/zipbucket"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/fault"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/hosting"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/site"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/template"
)

// uploadPace is the time between two looks for the execution of an upload, for which a person has been asked.
const uploadPace = 3 * time.Second

// prefixLetters are what SourcePrefix of hosting.yaml allows beside letters and digits: nothing that means something in an
// EventBridge wildcard, or in JSON.
const prefixLetters = "!_.()/ -"

// checkPrefix refuses a folder of zip files that the rule which watches for them could not name.
func checkPrefix(c site.Config) error {
	wrong := func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune(prefixLetters, r)
	}
	if i := strings.IndexFunc(c.S3Path, wrong); i >= 0 {
		return fault.New(fault.Usage, "use letters, digits, spaces and "+strings.ReplaceAll(prefixLetters, " ", ""),
			`"s3path": %q has %q, which the rule that watches the bucket on AWS cannot name`, c.S3Path, []rune(c.S3Path[i:])[0])
	}
	return nil
}

// uploadPlace is where the zip files of a deployed site go; empty for a site that has none.
func uploadPlace(state stack.State) string {
	if name := state.Outputs[template.OutputSourceBucketName]; name != "" {
		return "s3://" + name + "/" + state.Parameters[template.ParamSourcePrefix]
	}
	return ""
}

// checkBucket looks at an existing bucket for zip files, before anything is made that would wait for them. What it lacks is
// switched on if the person who deploys wants that.
func (d *deployment) checkBucket(ctx context.Context) error {
	name := d.Project.Config.S3Bucket
	if name == "" {
		return nil
	}
	d.report.Detail("looking at bucket %s", name)
	bucket := zipbucket.Open(d.Account.Config, d.Account.ID, name, "")
	missing, err := bucket.Check(ctx)
	if err != nil || len(missing) == 0 {
		return err
	}
	var what, commands []string
	for _, m := range missing {
		what = append(what, m.What)
		commands = append(commands, m.Command)
	}
	yes, err := d.report.Confirm(fmt.Sprintf("The bucket %s is not ready for zip files:\n  %s\nSwitch that on?\n  %s",
		name, strings.Join(what, "\n  "), strings.Join(commands, "\n  ")))
	if err == nil && yes {
		return bucket.Mend(ctx, missing)
	}
	return fault.New(fault.Usage, "switch that on, then run deploy again:\n"+strings.Join(commands, "\n"),
		"bucket %s is not ready for zip files: %s", name, strings.Join(what, "; "))
}

// releaseZip releases the newest zip file. Where there is none yet the deployment is done: it says where to upload one, and
// waits for it if somebody is there to do that.
func (d *deployment) releaseZip(ctx context.Context, opts hosting.DeployOptions) (hosting.Deployed, error) {
	place, pipeline := uploadPlace(d.state), d.PipelineOf(d.state)
	name, prefix, _ := strings.Cut(strings.TrimPrefix(place, "s3://"), "/")
	bucket := zipbucket.Open(d.Account.Config, d.Account.ID, name, prefix)
	zip, found, err := bucket.Newest(ctx)
	if err != nil {
		return hosting.Deployed{}, err
	}
	start := func(ctx context.Context) (string, error) {
		zip, found, err := bucket.Newest(ctx)
		if err != nil || !found {
			return "", err
		}
		d.report.Detail("releasing %s", zip.Key)
		return pipeline.StartZip(ctx, zip.Key, zip.Version)
	}
	var id string
	switch {
	case !found:
		if id, err = d.awaitUpload(ctx, pipeline, place, opts.AwaitUpload && !opts.NoWait); id == "" {
			return d.result(ctx, hosting.Execution{}, err)
		}
	case d.made && zip.Key == prefix+template.FirstZip:
		id, err = d.execution(ctx, pipeline) // the new pipeline has begun with this one by itself
	default:
		id, err = start(ctx)
	}
	if err != nil {
		return hosting.Deployed{}, err
	}
	done, err := d.attend(ctx, pipeline, id, start, opts)
	return done, d.zipHint(done.Execution, place, err)
}

// awaitUpload says where zip files go, and returns the id of the execution that the first one starts; empty if nobody waits.
func (d *deployment) awaitUpload(ctx context.Context, pipeline *executions.Pipeline, place string, wait bool) (string, error) {
	if !wait {
		return "", nil
	}
	before, err := pipeline.Newest(ctx)
	if err != nil {
		return "", err
	}
	d.report.Step("Zip file")
	d.report.Warn("there is no zip file yet. Upload one, and it is released:\naws s3 cp site.zip '%s%s'", place, template.FirstZip)
	d.report.Detail("waiting for a zip file in %s", place)
	for {
		e, err := pipeline.Get(ctx, "")
		if err == nil && e.ID != before && e.Trigger == executions.TriggerUpload {
			return e.ID, nil
		}
		if err != nil && fault.KindOf(err) != fault.NotDeployed {
			return "", err
		}
		if d.Pause(ctx, uploadPace) != nil {
			return "", fault.New(fault.Other, "the site is deployed: upload a .zip file to "+place+" at any time", "stopped waiting for a zip file: %w", context.Cause(ctx))
		}
	}
}

// zipHint gives the error of an execution the way out for a site that is fed by zip files.
func (d *deployment) zipHint(e hosting.Execution, place string, err error) error {
	failed := e.FailedStage()
	if err == nil || e.Status != hosting.Failed || failed == nil {
		return err
	}
	if hint := zipStageHint(failed, place); hint != "" {
		return fault.New(fault.KindOf(err), hint, "%w", err)
	}
	return err
}

// zipStageHint is what to do about a failed stage of a site that is fed by zip files; "" if nothing is special about it.
func zipStageHint(failed *hosting.Stage, place string) string {
	switch {
	case failed.Error == executions.NoZip:
		return "upload a .zip file to " + place + ", and it is released"
	case failed.Name == hosting.StageSource:
		return "see whether the .zip file is in " + place + " still, or upload it again: that starts another run"
	case failed.Name == hosting.StageBuild && strings.Contains(failed.Error, "YAML_FILE_ERROR"):
		return "the zip has no " + site.Folder + "/" + site.BuildFile + " at its top, as the project has: put it in,\n" +
			"or remove it from the project and run deploy, and zip files are published as they are"
	}
	return ""
}

// hintZip adds the way out to an execution of a site that is fed by zip files.
func hintZip(state stack.State, e hosting.Execution) hosting.Execution {
	if failed := e.FailedStage(); uploadPlace(state) != "" && failed != nil && failed.Hint == "" && (e.Status == hosting.Failed || failed.Error == executions.NoZip) {
		failed.Hint = zipStageHint(failed, uploadPlace(state))
	}
	return e
}
