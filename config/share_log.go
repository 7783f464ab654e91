package config

import "path/filepath"

func (s *ShareLog) validate(ps *Problems) {
	if s.Dir != "" && !filepath.IsAbs(s.Dir) {
		ps.add("share_log.dir", show(s.Dir), "expected an absolute path", `"/var/lib/farmproxy/shares"`)
	}
	oneOf(ps, "share_log.format", s.Format, FormatJSON, FormatCSV)
	within(ps, "share_log.segment_megabytes", s.SegmentMegabytes, 1, maxSegment, "64")
	lasting(ps, "share_log.rotate_every", s.RotateEvery, minRotate, maxPause, `"1h"`)
	within(ps, "share_log.keep_megabytes", s.KeepMegabytes, 0, maxKeep, "10240, or 0 to keep all of them")
}
