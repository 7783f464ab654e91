package alert

import "time"

// Facts are what is seen at one look.
type Facts struct {
	Wall      time.Time // now, by the wall clock alone
	NotReady  string    // why miners get no work; "": they do
	Miners    int64
	MinersMax int64 // 0: not known
	Workers   *Workers
	Usual     Usual
	Pools     []Pool

	Certificates map[string]time.Time // until when they are valid, by file
	Disks        []Disk
	Files        Files
	Unsynced     bool   // nothing keeps the clock right
	Reload       string // why the configuration was not loaded; "": it was
	Store        string // why the database is away; "": it is not, or there is none
	History      string // why the history is not written; "": it is, or nobody asked for it

	Curtailed map[string]time.Time // groups whose miners are off on purpose, "" for all, and until when
	CutOff    bool                 // no pool and no channel can be reached
}

// Usual is what a farm and its groups usually hash, in H/s; 0: not known yet.
type Usual struct {
	Farm   float64
	Groups map[string]float64
}

// Pool is what is seen of a pool. What is counted only grows; what is less than before began
// again.
type Pool struct {
	Name        string
	Host        string // of its URL
	Up          bool
	InUse       bool   // miners work at it
	LeftAlone   bool   // an operator drained or disabled it
	Trouble     string // why it is not up; "": it was not asked yet
	Accepted    uint64 // shares
	Rejected    uint64
	Told        uint64 // blocks that it told of, and others as well
	ToldLate    uint64 // of these, later than the rule pool_late allows
	BitsReduced uint64 // times that it granted fewer version bits than before

	CertificateEnds   time.Time // the first of its chain; zero: not known, or it does not matter
	CertificateSigner string    // whose end that is; "": the pool's own
	Pinned            bool      // no other certificate is accepted
}

// Disk is a file system that farmproxy writes to.
type Disk struct {
	Dir         string
	Free, Total uint64 // bytes
	NoInodes    bool   // there is room, and no file can be made
}

// Files are file descriptors.
type Files struct{ Open, Limit int }
