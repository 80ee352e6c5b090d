package double

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"strings"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/awstarget/double/wire"
)

// revision is what an execution was told to take instead of what its source action says; empty values are not told.
type revision struct{ Key, Version string }

// created is what EventBridge does when S3 tells it of a new object: each rule whose pattern matches the event, as the stack
// has it, starts its target with the input that its transformer makes of the event. Events come in the order of the writes,
// which S3 does not promise, but which a test has to know.
func (a *Account) created(bucket, key, version string) {
	before, delivered := a.lastEvent, make(chan struct{})
	a.lastEvent = delivered
	a.work.Add(1)
	go func() { // S3 does not wait for it
		defer a.work.Done()
		defer close(delivered)
		if before != nil {
			<-before
		}
		a.mu.Lock()
		defer a.mu.Unlock()
		object := map[string]any{"key": key, "size": 1, "etag": "x"}
		if version != "" {
			object["version-id"] = version
		}
		a.deliver(map[string]any{
			"version": "0", "id": a.id(), "source": "aws.s3", "detail-type": "Object Created", "account": AccountID, "region": Region,
			"resources": []any{"arn:aws:s3:::" + bucket},
			"detail":    map[string]any{"version": "0", "bucket": map[string]any{"name": bucket}, "object": object, "reason": "PutObject"},
		})
	}()
}

// deliver gives an event to the rules of all stacks, with the lock held.
func (a *Account) deliver(event map[string]any) {
	for _, s := range a.stacks {
		for _, r := range s.resources {
			if r.typ != "AWS::Events::Rule" || !a.matches(r.properties["EventPattern"], event) {
				continue
			}
			for _, target := range r.properties["Targets"].([]any) {
				a.target(target.(map[string]any), event)
			}
		}
	}
}

// target starts a pipeline, the only target that the double knows.
func (a *Account) target(target, event map[string]any) {
	arn := target["Arn"].(string)
	p := a.pipelines[arn[strings.LastIndexByte(arn, ':')+1:]]
	if p == nil || !strings.HasPrefix(arn, "arn:aws:codepipeline:"+Region+":"+AccountID+":") || target["RoleArn"] == nil {
		a.t.Errorf("the target %v is not a pipeline that a role may start", target)
		return
	}
	input := a.transformed(target["InputTransformer"].(map[string]any), event)
	var given struct {
		SourceRevisions []struct{ ActionName, RevisionType, RevisionValue string }
	}
	d := json.NewDecoder(strings.NewReader(input))
	d.DisallowUnknownFields()
	if err := d.Decode(&given); err != nil {
		a.t.Errorf("the input %s is not what StartPipelineExecution takes: %v", input, err)
		return
	}
	var list []any
	for _, r := range given.SourceRevisions {
		list = append(list, map[string]any{"actionName": r.ActionName, "revisionType": r.RevisionType, "revisionValue": r.RevisionValue})
	}
	told, fault := p.told(list)
	if fault != nil {
		a.t.Errorf("EventBridge could not start %s: %v", p.name, fault)
		return
	}
	a.startWith(p, "CloudWatchEvent", told)
}

// told reads the source revisions of a StartPipelineExecution, as SourceRevisionOverride describes them.
func (p *pipeline) told(list []any) (r revision, fault *Fault) {
	for _, one := range list {
		one := one.(map[string]any)
		value := one["revisionValue"].(string)
		switch {
		case one["actionName"] != p.stageAction("Source")["Name"]:
			return r, refuse("ValidationException", "There is no source action %v", one["actionName"])
		case one["revisionType"] == "S3_OBJECT_VERSION_ID":
			r.Version = value
		case one["revisionType"] == "S3_OBJECT_KEY" && p.source()["AllowOverrideForS3ObjectKey"] == "true":
			r.Key = value
		default:
			return r, refuse("ValidationException", "%v cannot be told to this source action", one["revisionType"])
		}
	}
	return r, nil
}

// matches evaluates an event pattern (EventBridge User Guide, "Creating Amazon EventBridge event patterns").
func (a *Account) matches(pattern, event any) bool {
	switch p := pattern.(type) {
	case map[string]any:
		e, ok := event.(map[string]any)
		if !ok {
			return false
		}
		for key, one := range p {
			if !a.matches(one, e[key]) {
				return false
			}
		}
		return true
	case []any:
		for _, one := range p {
			if a.matchesOne(one, event) {
				return true
			}
		}
		return false
	}
	a.t.Errorf("an event pattern has %v where a list belongs", pattern)
	return false
}

func (a *Account) matchesOne(matcher, value any) bool {
	rule, ok := matcher.(map[string]any)
	if !ok {
		return matcher == value
	}
	text, _ := value.(string)
	wildcard, ok := rule["wildcard"].(string)
	if !ok || len(rule) != 1 {
		a.t.Errorf("the double does not know the matcher %v", matcher)
		return false
	}
	return wild(wildcard, text)
}

// wild matches a wildcard: * is any number of characters, and a backslash takes its meaning.
func wild(pattern, text string) bool {
	switch {
	case pattern == "":
		return text == ""
	case pattern[0] == '*':
		return wild(pattern[1:], text) || text != "" && wild(pattern, text[1:])
	case pattern[0] == '\\' && len(pattern) > 1:
		pattern = pattern[1:]
	}
	return text != "" && pattern[0] == text[0] && wild(pattern[1:], text[1:])
}

// transformed makes the input of a target (EventBridge User Guide, "Amazon EventBridge input transformation"): <name> stands
// for a value of the event, with quotation marks if it is a text and they are not in the template.
func (a *Account) transformed(transformer, event map[string]any) string {
	input := transformer["InputTemplate"].(string)
	for name, where := range transformer["InputPathsMap"].(map[string]any) {
		var value any = event
		for _, step := range strings.Split(strings.TrimPrefix(where.(string), "$."), ".") {
			of, _ := value.(map[string]any)
			value = of[step]
		}
		data, err := json.Marshal(value)
		if err != nil {
			a.t.Error(err)
		}
		input = strings.ReplaceAll(input, "<"+name+">", string(data))
	}
	return input
}

// fetchZip is the source action of a bucket: one version of an object. Builds get the files in it.
func (a *Account) fetchZip(p *pipeline, e *execution, act *action, dir string) error {
	a.mu.Lock()
	source := p.source()
	bucket, key, version := source["S3Bucket"].(string), source["S3ObjectKey"].(string), e.told.Version
	if e.told.Key != "" {
		key = e.told.Key
	}
	a.mu.Unlock()
	if version == "" && a.S3.Entries(bucket) >= 0 {
		version = a.S3.Current(bucket, key)
	}
	data, found := a.S3.Version(bucket, key, version)
	switch {
	case !a.S3.Versioned(bucket):
		return fmt.Errorf("The bucket named %s does not have versioning enabled", bucket) //nolint:staticcheck // CodePipeline's words
	case version == "" || !found:
		return fmt.Errorf("The object with key '%s' does not exist.", key) //nolint:staticcheck // CodePipeline's words
	}
	r, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return fmt.Errorf("%s is not a zip file: %w", key, err)
	}
	a.mu.Lock()
	e.commit, e.message = version, "Amazon S3 version id: "+version
	act.variables = map[string]any{"BucketName": bucket, "ObjectKey": key, "VersionId": version, "ETag": "x"}
	a.mu.Unlock()
	return os.CopyFS(dir, r)
}

// Upload puts a zip file into a bucket, as "aws s3 cp" does, and returns its version.
func (a *Account) Upload(bucket, key string, files map[string]string) string {
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for name, text := range files {
		f, err := w.Create(name)
		if err == nil {
			_, err = f.Write([]byte(text))
		}
		if err != nil {
			a.t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		a.t.Fatal(err)
	}
	a.S3.Store(bucket, key, b.String())
	return a.S3.Current(bucket, key)
}

// variables fills the variables of the source action in, as CodePipeline does in an action's configuration.
func (e *execution) variables(text string) string {
	for name, value := range e.actions[0].variables {
		text = strings.ReplaceAll(text, "#{SourceVariables."+name+"}", fmt.Sprint(value))
	}
	return text
}

// sourceRevisions are those of a request.
func sourceRevisions(req *wire.Request) []any {
	list, _ := req.Input["sourceRevisions"].([]any)
	return list
}

// Executions are the ids of all executions; it is called within Do.
func (a *Account) Executions() (ids []string) {
	for _, p := range a.pipelines {
		for _, e := range p.executions {
			ids = append(ids, e.id)
		}
	}
	return ids
}
