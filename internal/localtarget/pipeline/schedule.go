package pipeline

import "slices"

// The stages, and how many there are.
const (
	stageSource = iota
	stageBuild
	stageRelease
	stageCount
)

// schedule decides who may work where, as CodePipeline's SUPERSEDED mode does
// (https://docs.aws.amazon.com/codepipeline/latest/userguide/concepts-how-it-works.html): a stage is worked on by one
// execution at a time, and in front of each stage waits at most one. A newer execution takes the place of an older one
// that waits; one that a stage works on is never cut off. Executions never overtake each other.
type schedule struct {
	slots [stageCount]struct{ running, waiting *Job }
}

// arrive puts a job in front of a stage. It returns the job that is superseded by that, and the one that did it; the
// older of two is superseded, whichever came first.
func (s *schedule) arrive(stage int, j *Job) (superseded, by *Job) {
	slot := &s.slots[stage]
	old := slot.waiting
	if old != nil && old.Execution.ID > j.Execution.ID {
		return j, old
	}
	slot.waiting = j
	return old, j
}

// next moves the job that waits in front of a stage into it, if the stage is free; nil if there is nothing to start.
func (s *schedule) next(stage int) *Job {
	slot := &s.slots[stage]
	if slot.running != nil || slot.waiting == nil {
		return nil
	}
	slot.running, slot.waiting = slot.waiting, nil
	return slot.running
}

// leave frees a stage.
func (s *schedule) leave(stage int) { s.slots[stage].running = nil }

// running counts the jobs in stages.
func (s *schedule) running() (n int) {
	for _, slot := range s.slots {
		if slot.running != nil {
			n++
		}
	}
	return n
}

// jobs returns all jobs, those that run and those that wait.
func (s *schedule) jobs() (all []*Job) {
	for _, slot := range s.slots {
		for _, j := range []*Job{slot.running, slot.waiting} {
			if j != nil {
				all = append(all, j)
			}
		}
	}
	return all
}

// has reports whether the schedule holds the execution.
func (s *schedule) has(id string) bool {
	return slices.ContainsFunc(s.jobs(), func(j *Job) bool { return j.Execution.ID == id })
}
