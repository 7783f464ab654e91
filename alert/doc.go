// Package alert decides what an operator is told: what is wrong with a farm, since when, and
// when it is over. It has no clock and does no I/O: facts and a time go in, a message comes
// out.
//
//	Facts ──> rules ──> what holds now ──────────────────────────> a page, in words
//	                        │ for as long as the rule's "for"
//	                        ▼
//	                    alerts ──> not excused, not cooling down,
//	                        │      not in quiet hours, not cut off
//	                        ▼
//	                    one Message about all that is due
//
// The rules of monitoring/rules.yml are made from the same table (Rules).
package alert
