package executions

import (
	"context"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codepipeline"
)

// maxPages bounds how far back Messages looks: 500 executions.
const maxPages = 5

// Messages returns the first lines of the messages of commits, as the connection told them to the pipeline. The release step
// does not know them: passed on to it, in the text that its environment is made of, a message could add variables of its own.
// What cannot be read is left out, since nothing but words for people is missing then.
func (p *Pipeline) Messages(ctx context.Context, commits []string) map[string]string {
	found := map[string]string{}
	in := &codepipeline.ListPipelineExecutionsInput{PipelineName: &p.Name, MaxResults: aws.Int32(100)}
	for range maxPages {
		page, err := p.API.ListPipelineExecutions(ctx, in)
		if err != nil {
			break
		}
		for _, s := range page.PipelineExecutionSummaries {
			for _, r := range s.SourceRevisions {
				id := aws.ToString(r.RevisionId)
				if text := firstLine(message(aws.ToString(r.RevisionSummary))); text != "" && slices.Contains(commits, id) {
					found[id] = text
				}
			}
		}
		if in.NextToken = page.NextToken; in.NextToken == nil || len(found) == len(commits) {
			break
		}
	}
	return found
}
