// Package handover hands a running farmproxy over to a new process of the binary on
// disk: the order of the steps, the format on the socket between the two processes,
// and the way back. It carries named records of bytes with descriptors, and never
// knows what is in them.
//
//	       old process                          new process
//
//	Start: socket pair, new process ─────────────> Inherited, Take
//	                           <── hello ───────── formats that it understands
//	offer: the format to be used ───────────────>
//	Giver.Ahead ──────────────── records ───────> Taker.Take
//	                                              Taker.Prepare: checks everything
//	                           <── prepared ─────  and dials what must be dialled
//	Giver.Freeze
//	Giver.State ──────────────── records ───────> Taker.Take
//	                                              Taker.Complete: all is in its place
//	                           <── complete ─────  and nothing has been touched
//	yours ──────────────────────────────────────>
//	                                              Taker.Serve: it reads and writes
//	                           <── serving ──────
//	leaves, without a byte on any socket
//
// Until "yours" everything belongs to the old process: the new one has copies of
// descriptors, and neither reads, writes nor closes anything in a way that a peer could
// notice. If either side fails before that, or says no, or takes too long, the new
// process ends, and the old one thaws and goes on as if nothing had been. If the new
// process ends between "yours" and "serving", the old one goes on as well: it still has
// every socket and its own state.
//
// # What a part does
//
// A part offers these steps in its package's words; package proxy calls them in order,
// and puts what they return into records.
//
//		                    old process                  new process
//		stats.Book          State                        Restore
//		upstream.Directory  Ahead, Freeze, State, Thaw   Expect, Dialled, Restore, Start
//		netloop.Server      Ahead, Freeze, State, Thaw   Inherit, Restore, Restored, Serve
//
//	  - Freeze returns when nothing of the part changes any more by itself; upstream
//	    freezes first (no supervisor decides, no dial ends, nothing new is published),
//	    then netloop: its ports accept nobody, each loop stops reading its sockets, those
//	    of links too, and handles all mail until none is left on any loop. From then on
//	    any goroutine may read the loops' state: miners, wires, and what hangs on them.
//	  - State returns plain data. It changes nothing: Thaw may follow.
//	  - Thaw is netloop's first, then upstream's.
//	  - Restore is called before the part starts: stats first, then upstream, then
//	    netloop. It takes ownership of the descriptors that come with its records.
//	  - What has been counted is not counted again: stats restores gauges as they were,
//	    upstream its lanes' members and places, so netloop puts its peers where they were
//	    without Connected, Join, Earn or Take. If a peer can't be restored, it leaves in
//	    the usual way: Disconnected, Leave, Release.
//
// Names that one part uses for what another part owns:
//
//   - A lane by its id (Lane.ID), a work by its number, a job by its id (work.Job.ID),
//     which miners know it by: all stay the same. The new process goes on counting
//     above the highest that it was given.
//   - A goal by its account or user ("" for everybody else), and by the names of its route
//     and of its own ("" where there is one).
//   - A miner by its upstream.Cookie. Loops may be fewer or more in the new process, so
//     whoever keeps a cookie passes it through netloop.Server.Cookie.
//   - A worker by its name, its login as booked: Book.Worker finds its books.
//   - A time as an age, at the moment of Freeze.
//
// # The format
//
// Cold state is JSON, and its readers ignore fields that they do not know; each
// miner's is the binary form of package session. Format is one number for all of it:
// raise it when an older reader would misread what is written. A farmproxy understands
// its own format and the one before, and writes both: so neighbouring versions can
// hand over to each other, in both directions. Others are refused, and the old process
// goes on.
package handover

import "context"

const (
	// Format is the version of everything that is handed over.
	Format = 1

	// Oldest is the oldest format that is still understood and written.
	Oldest = 1
)

// Record is what travels: bytes and descriptors under the name of the section that
// they belong to. Records arrive in the order in which they were sent.
type Record struct {
	Section string // up to maxSection bytes
	Data    []byte
	Files   []int // descriptors: the sender keeps its own, the receiver owns copies that close on exec
}

// Giver is the process that hands itself over. Its methods are called in turn, by one
// goroutine.
type Giver interface {
	// Ahead sends what the new process needs to prepare itself. Everything is still
	// running, and may change afterwards.
	Ahead(to *Sender) error

	// Freeze returns when nothing changes any more that State sends.
	Freeze(ctx context.Context) error

	// State sends everything, and changes nothing.
	State(to *Sender) error

	// Thaw goes on from where Freeze has stopped. It is called after Freeze, even after
	// one that failed, unless the new process serves.
	Thaw()
}

// Taker is the process that takes over. Its methods are called in turn, by one
// goroutine. When one of them fails, the process must end without touching what it was
// given.
type Taker interface {
	// Take takes one record. It owns the record's bytes and descriptors.
	Take(r Record) error

	// Prepare is called after the last record of Giver.Ahead. It returns when the
	// process could serve, if it had the state.
	Prepare(ctx context.Context) error

	// Complete is called after the last record of Giver.State. It returns when every
	// descriptor and all state is in its place. Nothing may be read or written yet.
	Complete(ctx context.Context) error

	// Serve begins: everything belongs to this process.
	Serve() error
}
