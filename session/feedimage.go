package session

import "farmproxy/work"

// FeedImage is what a feed knows, as plain data for another process, which has the same
// jobs under the same ids.
type FeedImage struct {
	Mask       uint32         `json:"mask"`
	Difficulty float64        `json:"difficulty"`
	Least      float64        `json:"least,omitempty"`
	Jobs       []FeedJobImage `json:"jobs"`             // the oldest first
	OnNew      bool           `json:"on_new,omitempty"` // the last one builds on another block than the one before it
}

// FeedJobImage is a job that may still be answered.
type FeedJobImage struct {
	ID    uint32 `json:"id"`
	Stale bool   `json:"stale,omitempty"`
	NTime uint32 `json:"ntime"` // the latest that it was sent with
}

// Image returns what the feed knows.
func (f *Feed) Image() FeedImage {
	i := FeedImage{Mask: f.Mask, Difficulty: f.Difficulty, Least: f.Least, OnNew: f.onNew}
	for n := range maxFeedJobs {
		at := (f.next + n) % maxFeedJobs
		if job := f.jobs[at]; job != nil {
			i.Jobs = append(i.Jobs, FeedJobImage{job.ID, f.stale[at], f.times[at]})
		}
	}
	return i
}

// Restore makes a new feed what the one was that the image is of. job returns the job of
// an id; nil: it is forgotten, and can't be answered any more.
func (f *Feed) Restore(i *FeedImage, job func(id uint32) *work.Job) {
	*f = Feed{Mask: i.Mask, Difficulty: i.Difficulty, Least: i.Least, Direct: f.Direct, Lane: f.Lane}
	for _, had := range i.Jobs[max(0, len(i.Jobs)-maxFeedJobs):] {
		j := job(had.ID)
		if j == nil {
			continue
		}
		f.jobs[f.next], f.stale[f.next] = j, had.Stale
		f.next = (f.next + 1) % maxFeedJobs
		f.last = j
		f.setTime(had.NTime)
	}
	f.onNew = i.OnNew
}
