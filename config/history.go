package config

import "time"

func (h *History) validate(ps *Problems) {
	for _, x := range []struct {
		key  string
		time time.Duration
		most time.Duration
		try  string
	}{
		{"worker_steps", h.WorkerSteps, maxWorkerSteps, `"168h", a week`},
		{"worker_hours", h.WorkerHours, maxWorkerHours, `"2160h", 90 days`},
		{"minutes", h.Minutes, maxMinutes, `"720h", 30 days`},
		{"hours", h.Hours, maxHours, `"17520h", two years`},
		{"events", h.Events, maxHours, `"2160h", 90 days`},
	} {
		lasting(ps, "history."+x.key, x.time, minKept, x.most, x.try)
	}
}

func (w *Workers) validate(ps *Problems) {
	lasting(ps, "workers.remember", w.Remember, minRemember, maxHours, `"720h", 30 days`)
}
