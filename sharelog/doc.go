// Package sharelog keeps a line for each share in compressed files, for farms that settle
// their accounts by them or ship them elsewhere.
//
//	loops ─ Add ─> queue ─> writer ─> lines ─ zstd ─> shares-0000000042.jsonl.zst.open
//	                                                  └─ full, or old ─> shares-0000000042.jsonl.zst
//
// Add never waits: the queue has a bound, and a share for which there is no room is left
// out and counted. What the writer can't write is counted the same way.
//
// A segment has its final name once nobody writes to it any more, so whoever ships or
// deletes segments may take each that has no .open at its end. It consists of whole zstd
// frames, each written at once: a crash loses what was not written yet, 5 s at most, and
// leaves a segment that can be read, which the next start gives its final name.
package sharelog
