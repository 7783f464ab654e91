package stats

import "farmproxy/work"

// Shares counts shares by verdict.
type Shares [work.NumVerdicts]uint64

// Rejected returns how many shares were not accepted, for any reason.
func (s *Shares) Rejected() (n uint64) {
	for _, c := range s[work.Accepted+1:] {
		n += c
	}
	return n
}

// Work is shares by verdict, each weighted by its difficulty: the unit is the share of
// difficulty 1, which stands for work.HashesPerShare hashes.
type Work [work.NumVerdicts]float64

// Rejected returns the work of the shares that were not accepted.
func (w *Work) Rejected() (sum float64) {
	for _, x := range w[work.Accepted+1:] {
		sum += x
	}
	return sum
}
