package upstream

import (
	"cmp"
	"fmt"
	"maps"
	"net"
	"slices"
	"time"

	"farmproxy/codec"
	"farmproxy/stats"
	"farmproxy/work"
)

// Images of jobs, of shares, and of times.

// imaging makes images. It changes nothing of what they are of.
type imaging struct {
	now   time.Time
	wires []Wire
	relay func(*Relay) bool
	jobs  map[uint32]*work.Job // that the image of the lane under way refers to
}

// restoring makes of images what they are of.
type restoring struct {
	d       *Directory
	now     time.Time
	sockets []net.Conn
	miner   func(Cookie) Cookie
	jobs    map[uint32]*work.Job // of the lane under way
	users   map[*Route]bool      // whose strangers are counted
}

// ago is a time as an age, in nanoseconds; below 0: it is to come; 0: never. There is no
// clock that two processes share and nobody sets.
type ago int64

func (x *imaging) ago(t time.Time) ago {
	d := x.now.Sub(t)
	switch {
	case t.IsZero():
		return 0
	case d == 0:
		return 1
	}
	return ago(d)
}

func (x *restoring) time(a ago) time.Time {
	if a == 0 {
		return time.Time{}
	}
	return x.now.Add(-time.Duration(a))
}

// jobImage is a job of a lane. What it has in bytes is the pool's, and need not be text.
type jobImage struct {
	ID          uint32           `json:"id"`
	PoolID      []byte           `json:"pool_id"`
	Work        uint32           `json:"work"`
	Epoch       uint64           `json:"epoch"`
	Clean       bool             `json:"clean,omitempty"`
	Received    ago              `json:"received"`
	Difficulty  float64          `json:"difficulty"`
	Own         map[uint8][]byte `json:"own,omitempty"`
	Mask        uint32           `json:"mask,omitempty"`
	PrevHash    []byte           `json:"prev_hash"`
	Coinb1      []byte           `json:"coinb1"`
	Coinb2      []byte           `json:"coinb2"`
	Branches    [][]byte         `json:"branches,omitempty"`
	Version     uint32           `json:"version"`
	NBits       uint32           `json:"nbits"`
	NTime       uint32           `json:"ntime"`
	Extranonce1 []byte           `json:"extranonce1"`
	Size        int              `json:"extranonce2_size"`
}

// job returns the number of a job, whose image is then among the lane's; 0: none.
func (x *imaging) job(j *work.Job) uint32 {
	if j == nil {
		return 0
	}
	x.jobs[j.ID] = j
	return j.ID
}

// jobsSeen returns the images of all jobs that the lane's image refers to.
func (x *imaging) jobsSeen() (list []jobImage) {
	for _, j := range slices.SortedFunc(maps.Values(x.jobs), func(a, b *work.Job) int { return cmp.Compare(a.ID, b.ID) }) {
		i := jobImage{
			ID: j.ID, PoolID: []byte(j.PoolID), Work: j.Work, Epoch: j.Epoch, Clean: j.Clean, Received: x.ago(j.Received),
			Difficulty: j.Difficulty, Own: j.Own.Pages(), Mask: j.Mask, PrevHash: j.PrevHash[:], Coinb1: j.Coinb1, Coinb2: j.Coinb2,
			Version: j.Version, NBits: j.NBits, NTime: j.NTime, Extranonce1: j.Extranonce1, Size: j.Layout.Size(),
		}
		for b := range j.Branches {
			i.Branches = append(i.Branches, j.Branches[b][:])
		}
		list = append(list, i)
	}
	return list
}

// jobsOf makes a lane's jobs.
func (x *restoring) jobsOf(list []jobImage, prefix int, algorithm *work.Algorithm) error {
	x.jobs = make(map[uint32]*work.Job, len(list))
	for n := range list {
		i := &list[n]
		layout, ok := work.NewLayout(i.Size, prefix)
		if !ok {
			return fmt.Errorf("job %d: an extranonce2 of %d bytes has no room", i.ID, i.Size)
		}
		notify := &codec.Notify{
			Template: work.Template{
				PrevHash: hashOf(i.PrevHash), Coinb1: i.Coinb1, Coinb2: i.Coinb2,
				Version: i.Version, NBits: i.NBits, NTime: i.NTime,
			},
			JobID: string(i.PoolID), Clean: i.Clean,
		}
		for _, b := range i.Branches {
			notify.Branches = append(notify.Branches, hashOf(b))
		}
		j := newJob(i.ID, notify, i.Extranonce1, layout, algorithm)
		j.Work, j.Epoch, j.Received = i.Work, i.Epoch, x.time(i.Received)
		j.Difficulty, j.Own, j.Mask = i.Difficulty, work.DifficultiesOf(i.Own), i.Mask
		x.jobs[i.ID] = j
	}
	return nil
}

func hashOf(b []byte) (h [32]byte) {
	copy(h[:], b)
	return h
}

// job returns the job of that number; an error where there is none. 0 is none.
func (x *restoring) job(id uint32) (*work.Job, error) {
	if j := x.jobs[id]; j != nil || id == 0 {
		return j, nil
	}
	return nil, fmt.Errorf("job %d is missing", id)
}

// shareImage is a share on its way to a pool.
type shareImage struct {
	Miner       Cookie      `json:"miner"`
	Worker      string      `json:"worker,omitempty"`
	Job         uint32      `json:"job"`
	Version     uint32      `json:"version"`
	NTime       uint32      `json:"ntime"`
	Nonce       uint32      `json:"nonce"`
	Prefix      uint16      `json:"prefix"`
	Extranonce2 []byte      `json:"extranonce2"`
	Proof       *work.Proof `json:"proof,omitempty"`
	Work        float64     `json:"work"`
	Before      uint16      `json:"before,omitempty"`
	ID          []byte      `json:"id"`
	Block       bool        `json:"block,omitempty"`
	Answered    bool        `json:"answered,omitempty"`
	Proven      bool        `json:"proven,omitempty"`
	Resubmitted bool        `json:"resubmitted,omitempty"`
	Retried     bool        `json:"retried,omitempty"`
	Flipped     bool        `json:"flipped,omitempty"`
	OtherWay    bool        `json:"other_way,omitempty"`
}

func (x *imaging) share(s *Share) shareImage {
	i := shareImage{
		Miner: s.Cookie, Job: x.job(s.Job), Version: s.Version, NTime: s.NTime, Nonce: s.Nonce, Prefix: s.Prefix,
		Extranonce2: s.Extranonce2[:s.Size], Proof: s.Proof, Work: s.Work, Before: s.Before, ID: s.ID.Append(nil),
		Block: s.Block, Answered: s.Answered, Proven: s.Proven,
		Resubmitted: s.resubmitted, Retried: s.retried, Flipped: s.flipped, OtherWay: s.otherWay,
	}
	i.Worker = nameOf(s.Worker)
	return i
}

func nameOf(w *stats.Worker) string {
	if w == nil {
		return ""
	}
	return w.Name()
}

// worker returns the books of a worker.
func (x *restoring) worker(name string) *stats.Worker {
	if name == "" {
		return nil
	}
	return x.d.book.Worker(name)
}

func (x *imaging) shares(list []Share) []shareImage {
	images := make([]shareImage, len(list))
	for n := range list {
		images[n] = x.share(&list[n])
	}
	return images
}

func (x *restoring) share(i *shareImage) (s Share, err error) {
	s = Share{
		Cookie: x.miner(i.Miner), Worker: x.worker(i.Worker), Work: i.Work, Before: i.Before,
		Block: i.Block, Answered: i.Answered, Proven: i.Proven,
		resubmitted: i.Resubmitted, retried: i.Retried, flipped: i.Flipped, otherWay: i.OtherWay,
	}
	s.Version, s.NTime, s.Nonce, s.Prefix, s.Proof = i.Version, i.NTime, i.Nonce, i.Prefix, i.Proof
	s.SetExtranonce2(i.Extranonce2...)
	s.ID, _ = codec.MakeID(codec.Raw(i.ID))
	if s.Job, err = x.job(i.Job); s.Job == nil && err == nil {
		err = fmt.Errorf("a share is for no job")
	}
	return s, err
}

func (x *restoring) shares(list []shareImage) ([]Share, error) {
	shares := make([]Share, len(list))
	for n := range list {
		var err error
		if shares[n], err = x.share(&list[n]); err != nil {
			return nil, err
		}
	}
	return shares, nil
}
