package cli

import (
	"fmt"
	"os"
	"strings"

	"github.com/cloudfront-hosting-toolkit/toolkit/internal/fault"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/hosting"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/publish"
	"github.com/cloudfront-hosting-toolkit/toolkit/internal/term"
)

// ciJob is the job of a CI that this program runs in, as far as the CI tells; zero outside of one.
type ciJob struct {
	// commit is what the job was started for.
	commit string
	// summary is a file that is shown as Markdown on the page of the run: GitHub Docs, "Workflow commands", job summaries.
	summary string
	// annotates says that lines of GitHub's workflow commands on the output become annotations of the run.
	annotates bool
}

// currentCI reads the environment that GitHub Actions and GitLab CI set.
func currentCI() ciJob {
	switch {
	case os.Getenv("GITHUB_ACTIONS") == "true":
		return ciJob{commit: os.Getenv("GITHUB_SHA"), summary: os.Getenv("GITHUB_STEP_SUMMARY"), annotates: true}
	case os.Getenv("GITLAB_CI") == "true":
		return ciJob{commit: os.Getenv("CI_COMMIT_SHA")}
	}
	return ciJob{}
}

// annotate makes an error show on the page of the run.
func (s *session) annotate(message, hint string) {
	if !s.ci.annotates {
		return
	}
	if hint != "" {
		message += "\n" + hint
	}
	fmt.Fprintf(s.Err, "::error title=%s::%s\n", name, strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A").Replace(message))
}

// summarize adds what was published to the page of the run. That it cannot is no reason to fail.
func (s *session) summarize(site string, r publish.Result, url string) {
	if s.ci.summary == "" {
		return
	}
	rows := [][2]string{
		{"Release", "`" + r.Release + "`"}, {"URL", url},
		{"Files", term.Count(r.Files, "file") + ", " + term.Size(r.BytesSent) + " sent"},
	}
	title := "Published " + site
	switch {
	case r.Superseded:
		title = "Stored a release of " + site + "; a run that started later is live"
	case r.Previous == r.Release:
		title = site + " was live with this release already"
	case r.Previous != "":
		rows = append(rows, [2]string{"Previous release", "`" + r.Previous + "`"}, [2]string{"To undo", "`" + s.command("rollback", r.Previous) + "`"})
	}
	var text strings.Builder
	fmt.Fprintf(&text, "### %s\n\n| | |\n|---|---|\n", title)
	for _, row := range rows {
		fmt.Fprintf(&text, "| %s | %s |\n", row[0], strings.ReplaceAll(row[1], "|", `\|`))
	}
	f, err := os.OpenFile(s.ci.summary, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err == nil {
		_, err = f.WriteString(text.String() + "\n")
		if closed := f.Close(); err == nil {
			err = closed
		}
	}
	if err != nil {
		s.warn("the summary of the run is left out: %v", err)
	}
}

// ciCommit is the commit of the job, if it is one.
func (s *session) ciCommit() string {
	if isCommit(s.ci.commit) {
		return s.ci.commit
	}
	return ""
}

// ciRoleARN is the role with which a CI publishes, or "".
func ciRoleARN(info hosting.Info) string {
	if info.CIRole == nil {
		return ""
	}
	return info.CIRole.ARN
}

// printCIRole tells what has to stand in the CI's file, when the role was asked for.
func (s *session) printCIRole(info hosting.Info) error {
	if s.aws.ciRole == "" {
		return nil
	}
	if info.CIRole == nil {
		fmt.Fprintln(s.Err, "No CI may publish this site with a role.")
		return nil
	}
	s.gap()
	if err := s.fields([2]string{"CI role", info.CIRole.ARN}, [2]string{"Taken by", hang(strings.Join(info.CIRole.Subjects, "\n"), len("Taken by  "))}); err != nil {
		return err
	}
	fmt.Fprintf(s.Err, "\nIn the CI's file (docs/ci.md has the whole of it):\n\n%s", info.CIRole.Workflow)
	return nil
}

// checkCIRole refuses a role for a CI where there are no roles.
func (s *session) checkCIRole(target string) error {
	if s.aws.ciRole == "" || target == "aws" {
		return nil
	}
	return fault.New(fault.Usage, "give --target aws, if that is meant", "--ci-role is for the aws target: on a machine of your own there are no roles")
}
